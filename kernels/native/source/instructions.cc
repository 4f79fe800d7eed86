// The kernels for one instruction set and precision; one half of them; compiled once for each.
#ifdef HMLM_ROWS
#include "rows.h"
#else
#include "cells.h"
#include "glm.h"
#include "informed.h"
#endif

namespace hmlm {
namespace HMLM_ISA {

#ifdef HMLM_ROWS
template void rows<HMLM_TYPE>(const RowShape&, const RowInput<HMLM_TYPE>&, RowOutput<HMLM_TYPE>&, int64_t, int64_t);
#else
template void cells<HMLM_TYPE>(const CellShape&, const CellInput<HMLM_TYPE>&, CellOutput<HMLM_TYPE>&);
template void informed<HMLM_TYPE>(const InformedShape&, const InformedInput<HMLM_TYPE>&, HMLM_TYPE*, HMLM_TYPE*,
                                  HMLM_TYPE*);
template void informed_gradient<HMLM_TYPE>(const InformedShape&, const InformedInput<HMLM_TYPE>&, const HMLM_TYPE*,
                                           const HMLM_TYPE*, const HMLM_TYPE*, HMLM_TYPE*, HMLM_TYPE*, HMLM_TYPE*);
template void glm<HMLM_TYPE>(const GlmShape&, const GlmInput<HMLM_TYPE>&, GlmOutput<HMLM_TYPE>&, int64_t, int64_t);
#endif

}  // namespace HMLM_ISA
}  // namespace hmlm

// The kernels for one instruction set and precision; compiled once for each.
#include "cells.h"
#include "informed.h"
#include "rows.h"

namespace hmlm {
namespace HMLM_ISA {

template <class T>
Kernels<T> table() {
  return {&rows<T>, &cells<T>, &informed<T>, &informed_gradient<T>};
}
#ifdef HMLM_F64
Kernels<double> kernels_f64() { return table<double>(); }
#endif
#ifdef HMLM_F32
Kernels<float> kernels_f32() { return table<float>(); }
#endif

}  // namespace HMLM_ISA
}  // namespace hmlm

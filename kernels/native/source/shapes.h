// What the entry points hand to the kernels: sizes, arrays of one chain, where results go.
#pragma once
#include <cstdint>
#include <vector>

namespace hmlm {

struct Term {  // a column of one outcome, and its coefficients: positions, -1 for none
  int column, mean, scale;
};

struct RowShape {
  int columns, outcomes, effects, means, scales;
  int64_t groups, bundles, rows;                // rows of all bundles, each of eight lanes
  std::vector<std::vector<Term>> both, mean_only, scale_only;  // by outcome
  std::vector<int> owner, column;               // outcome and column of every effect
};

template <class T>
struct RowInput {
  const T* columns;       // (rows, K, 8)
  const T* outcomes;      // (rows, M, 8)
  const int32_t* start;   // (bundles + 1), first row of every bundle
  const int32_t* group;   // (bundles, 8), -1 where a lane is empty; all equal where one group fills them
  const T* mean;          // (A, J)
  const T* scale;         // (S, J)
  const T* precision;     // (M, M)
  const T* factor;        // (Q, Q)
  const T* offset;        // (2, M, rows, 8) or null
};

template <class T>
struct RowOutput {
  T* value;
  T* mean;
  T* scale;
  T* precision;
  T* factor;
  T* offset;
};

struct CellShape {
  int basis, outcomes, effects;
  int64_t groups, per_group;                    // T = J V cells
  bool constant, whole, shifted;                // one sigma; basis summed over cells; shift given
  std::vector<int> owner;
};

template <class T>
struct CellInput {
  const T *count, *basis, *mixed, *varying;     // (T), (B, B, T or 1), (B, Q, T), (Q, Q, T)
  const T *residual, *shift, *log_sigma, *precision, *factor;
};

template <class T>
struct CellOutput {
  T *value, *residual, *shift, *log_sigma, *precision, *factor;
};

struct InformedShape {
  int total, informing, sampled, coefficients;  // effects of the block; known to it; sampled; P
  int64_t groups;
};

template <class T>
struct InformedInput {
  const T *zeta, *factor, *beta;                // (n, J), (Q, Q), (P)
  const T *precision, *score, *cross;           // (s, s, J), (s, J), (P, s, J)
};

enum GlmLink : int64_t { kLogit = 0, kLog = 1 };

struct GlmShape {
  int64_t link;
  int columns;
  int64_t groups, bundles, rows;
  std::vector<int> terms;                       // column of every coefficient
};

template <class T>
struct GlmInput {
  const T *columns, *outcomes, *sizes;          // (rows, K, 8), (rows, 8), (rows, 8): 0 where padded
  const int32_t *start, *group;                 // as in RowInput
  const T* coefficients;                        // (A, J)
};

template <class T>
struct GlmOutput {
  T *value, *coefficients;
};

// The kernels of one instruction set.
template <class T>
struct Kernels {
  void (*rows)(const RowShape&, const RowInput<T>&, RowOutput<T>&, int64_t begin, int64_t end);  // bundles
  void (*cells)(const CellShape&, const CellInput<T>&, CellOutput<T>&);
  void (*informed)(const InformedShape&, const InformedInput<T>&, T* u, T* log_density, T* saved);
  void (*informed_gradient)(const InformedShape&, const InformedInput<T>&, const T* saved, const T* u_bar,
                            const T* weight, T* zeta_bar, T* factor_bar, T* beta_bar);
  void (*glm)(const GlmShape&, const GlmInput<T>&, GlmOutput<T>&, int64_t begin, int64_t end);  // bundles
};

}  // namespace hmlm

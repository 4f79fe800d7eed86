// Gaussian rows by sufficient statistics of cells, effects integrated out, eight groups at a time.
#pragma once
#include "eliminate.h"
#include "shapes.h"

namespace hmlm {
namespace HMLM_ISA {

// M_ = 0: any numbers of effects and outcomes; else Q and M_ of them.
// `Single`: every group is one cell.
template <class T, int Q, int M_, int L, bool Single>
struct CellPass {
  using P = Pack<T, L>;
  static constexpr bool known = M_ > 0;
  static constexpr int E = Q + M_;

  const CellShape& shape;
  const CellInput<T>& in;
  CellOutput<T>& out;
  const int q, M, B, n;
  Model<T> model;
  Slopes<T, L> slopes;
  LogProduct<T, L> determinant;
  Packs<T, L> raw, d_residual, inverse_sigma, d_constant;
  Array<P, room(known, triangle(E))> moments, d_raw;
  Array<P, room(known, E * E)> slope;
  Array<P, room(known, Q)> delta, d_delta;
  P total = P(T(0));
  int64_t group = 0;
  Lanes<T, L> lanes{L};

  CellPass(const CellShape& s, const CellInput<T>& i, CellOutput<T>& o)
      : shape(s), in(i), out(o), q(known ? Q : s.effects), M(known ? M_ : s.outcomes), B(s.basis), n(q + M),
        model{s.effects, s.outcomes, s.owner.data(), i.precision, i.factor}, slopes(q, M),
        raw(triangle(n) * s.per_group), d_residual(B * M), inverse_sigma(M * s.per_group),
        d_constant(M), moments(triangle(n)), d_raw(triangle(n)), slope(n * n), delta(q), d_delta(q) {}

  HMLM_INLINE int effects() const { return known ? Q : q; }
  HMLM_INLINE int outcomes() const { return known ? M_ : M; }
  HMLM_INLINE int size() const { return known ? E : n; }
  HMLM_INLINE int outcome(int i) const { return M_ == 1 ? 0 : i < effects() ? shape.owner[i] : i - effects(); }
  int64_t cells() const { return shape.groups * shape.per_group; }
  // Numbers of cell `c` of the groups at hand, out of T.
  HMLM_INLINE P load(const T* from, int64_t c) const {
    if constexpr (Single) return P::load(from + group, lanes);
    return P::load(from + group * shape.per_group + c, lanes.n, shape.per_group);
  }
  HMLM_INLINE void store(const P& pack, T* to, int64_t c) const {
    if constexpr (Single) return pack.store(to + group, lanes);
    pack.store(to + group * shape.per_group + c, lanes.n, shape.per_group);
  }

  void run() {
    for (group = 0; group < shape.groups; group += L) {
      lanes = Lanes<T, L>(shape.groups - group);
      block();
    }
    finish();
  }

  void block() {
    for (int i = 0; i < triangle(size()); i++) moments[i] = P(T(0));
    for (int a = 0; a < effects(); a++) {
      d_delta[a] = P(T(0));
      if (shape.shifted) delta[a] = P::load(in.shift + a * shape.groups + group, lanes);
    }
    for (int64_t c = 0; c < shape.per_group; c++) forward(c);
    total += Elimination<T, Q, M_, L>::run(model, moments, P(T(1)), slope, slopes, determinant);
    for (int64_t c = 0; c < shape.per_group; c++) backward(c);
    if (shape.shifted)
      for (int a = 0; a < effects(); a++) d_delta[a].store(out.shift + a * shape.groups + group, lanes);
  }

  P* raw_of(int64_t c) { return raw.data() + c * triangle(size()); }

  // Cross-products of the cell, shifted and then scaled by its sigmas.
  HMLM_INLINE void forward(int64_t c) {
    P* x = raw_of(c);
    const int64_t T_ = cells();
    for (int a = 0; a < effects(); a++)
      for (int e = 0; e <= a; e++) x[at(a, e)] = load(in.varying + (a * effects() + e) * T_, c);
    for (int m = 0; m < outcomes(); m++) {
      for (int a = 0; a < effects(); a++) {
        P sum(T(0));
        for (int b = 0; b < B; b++) sum += P(in.residual[b * outcomes() + m]) * load(in.mixed + (b * effects() + a) * T_, c);
        x[at(effects() + m, a)] = sum;
      }
      for (int k = 0; k <= m; k++) x[at(effects() + m, effects() + k)] = shape.whole ? P(T(0)) : square(m, k, c);
    }
    if (shape.shifted) shift(x);
    const P count = load(in.count, c);
    for (int m = 0; m < outcomes(); m++) {
      P& weight = inverse_sigma[c * outcomes() + m];
      const P s = shape.constant ? P(in.log_sigma[m]) : load(in.log_sigma + m * T_, c);
      weight = exp(-s);
      total -= count * s;
    }
    for (int a = 0; a < size(); a++)
      for (int e = 0; e <= a; e++)
        moments[at(a, e)] += x[at(a, e)] * inverse_sigma[c * outcomes() + outcome(a)] * inverse_sigma[c * outcomes() + outcome(e)];
  }

  HMLM_INLINE P square(int m, int k, int64_t c) const {
    P sum(T(0));
    for (int b = 0; b < B; b++) {
      P inner(T(0));
      for (int d = 0; d < B; d++) inner += P(in.residual[d * outcomes() + k]) * load(in.basis + (b * B + d) * cells(), c);
      sum += P(in.residual[b * outcomes() + m]) * inner;
    }
    return sum;
  }

  // Take Z delta off the residuals: of r_m'r_k before of Z'r, which it needs as it was.
  HMLM_INLINE void shift(P* x) const {
    for (int m = 0; m < outcomes(); m++)
      for (int k = 0; k <= m; k++)
        for (int a = 0; a < effects(); a++) {
          if (outcome(a) == m) x[at(effects() + m, effects() + k)] -= delta[a] * x[at(effects() + k, a)];
          if (outcome(a) == k) x[at(effects() + m, effects() + k)] -= delta[a] * x[at(effects() + m, a)];
          for (int e = 0; e < effects(); e++)
            if (outcome(a) == m && outcome(e) == k)
              x[at(effects() + m, effects() + k)] += delta[a] * delta[e] * x[sym(a, e)];
        }
    for (int m = 0; m < outcomes(); m++)
      for (int a = 0; a < effects(); a++)
        for (int e = 0; e < effects(); e++)
          if (outcome(e) == m) x[at(effects() + m, a)] -= delta[e] * x[sym(a, e)];
  }

  HMLM_INLINE void backward(int64_t c) {
    const P* x = raw_of(c);
    const P* weight = &inverse_sigma[c * outcomes()];
    const P count = load(in.count, c);
    for (int a = 0; a < size(); a++)
      for (int e = 0; e <= a; e++) {
        const P half = a == e ? P(T(0.5)) : P(T(1));
        d_raw[at(a, e)] = half * slope[a * size() + e] * weight[outcome(a)] * weight[outcome(e)];
      }
    for (int m = 0; m < outcomes(); m++) {
      P sum = -count;
      for (int a = 0; a < size(); a++)
        if (outcome(a) == m)
          for (int e = 0; e < size(); e++)
            sum -= P(T(a == e ? 2 : 1)) * d_raw[sym(a, e)] * x[sym(a, e)];
      if (shape.constant) d_constant[m] += sum;
      else store(sum, out.log_sigma + m * cells(), c);
    }
    if (shape.shifted) backward_shift(x);
    for (int m = 0; m < outcomes(); m++)
      for (int b = 0; b < B; b++) {
        P sum(T(0));
        for (int a = 0; a < effects(); a++) sum += d_raw[at(effects() + m, a)] * load(in.mixed + (b * effects() + a) * cells(), c);
        if (!shape.whole)
          for (int k = 0; k < outcomes(); k++) {
            P inner(T(0));
            for (int d = 0; d < B; d++)
              inner += P(in.residual[d * outcomes() + k]) * load(in.basis + (b * B + d) * cells(), c);
            sum += P(T(m == k ? 2 : 1)) * d_raw[sym(effects() + m, effects() + k)] * inner;
          }
        d_residual[b * outcomes() + m] += sum;
      }
  }

  // x holds the shifted cross-products, so that d r_m'r_k / d delta_a is minus the shifted Z'r.
  HMLM_INLINE void backward_shift(const P* x) {
    for (int a = 0; a < effects(); a++) {
      const int m = outcome(a);
      for (int e = 0; e < effects(); e++) d_delta[a] -= d_raw[at(effects() + m, e)] * x[sym(a, e)];
      for (int k = 0; k < outcomes(); k++)
        d_delta[a] -= P(T(m == k ? 2 : 1)) * d_raw[sym(effects() + m, effects() + k)] * x[at(effects() + k, a)];
    }
    for (int a = 0; a < effects(); a++) {
      const int m = outcome(a);
      for (int k = 0; k < outcomes(); k++)
        d_raw[at(effects() + k, a)] -= P(T(m == k ? 2 : 1)) * d_raw[sym(effects() + m, effects() + k)] * delta[a];
    }
  }

  // With one sigma and no shift only the sum of r'r over all rows matters.
  void add_whole(T& value, T* d_sigma) {
    for (int m = 0; m < M; m++)
      for (int k = 0; k < M; k++) {
        const T scale = std::exp(-in.log_sigma[m] - in.log_sigma[k]);
        const T weight = scale * in.precision[m * M + k];
        T sum = 0;
        for (int b = 0; b < B; b++) {
          T inner = 0;
          for (int d = 0; d < B; d++) inner += in.basis[b * B + d] * in.residual[d * M + k];
          sum += in.residual[b * M + m] * inner;
          out.residual[b * M + m] -= weight * inner;
        }
        value -= T(0.5) * weight * sum;
        d_sigma[m] += weight * sum;
        out.precision[m * M + k] -= T(0.5) * scale * sum;
      }
  }

  void finish() {
    T value = total.sum() - T(0.5) * determinant.sum();
    for (int i = 0; i < B * M; i++) out.residual[i] = d_residual[i].sum();
    for (int i = 0; i < q * q; i++) out.factor[i] = slopes.factor[i].sum();
    for (int i = 0; i < M * M; i++) out.precision[i] = slopes.precision[i].sum();
    if (shape.constant)
      for (int m = 0; m < M; m++) out.log_sigma[m] = d_constant[m].sum();
    if (shape.whole) add_whole(value, out.log_sigma);
    *out.value = value;
  }
};

template <class T>
struct CellCall {
  const CellShape& shape;
  const CellInput<T>& in;
  CellOutput<T>& out;

  template <int Q, int M>
  void run() {
    CellPass<T, Q, M, lanes_for(M > 0 ? Q : 8), true>(shape, in, out).run();
  }
};

template <class T>
void cells(const CellShape& shape, const CellInput<T>& in, CellOutput<T>& out) {
  if (shape.per_group > 1) return CellPass<T, 0, 0, kLanes, false>(shape, in, out).run();
  with_sizes(shape.effects, shape.outcomes, CellCall<T>{shape, in, out});
}

}  // namespace HMLM_ISA
}  // namespace hmlm

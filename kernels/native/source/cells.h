// Gaussian rows by sufficient statistics of cells, effects integrated out, eight groups at a time.
#pragma once
#include "eliminate.h"
#include "shapes.h"

namespace hmlm {
namespace HMLM_ISA {

template <class T, int E>
struct CellPass {
  using P = Pack<T>;
  const CellShape& shape;
  const CellInput<T>& in;
  CellOutput<T>& out;
  const int q, M, B, n;
  Model<T> model;
  Slopes<T> slopes;
  Eliminate<T> eliminate;
  std::vector<P> raw, moments, slope, d_raw, d_residual, delta, d_delta, inverse_sigma, d_constant;
  P total = P(T(0));
  int64_t group = 0;
  int lanes = kLanes;

  CellPass(const CellShape& s, const CellInput<T>& i, CellOutput<T>& o)
      : shape(s), in(i), out(o), q(s.effects), M(s.outcomes), B(s.basis), n(E ? E : q + M),
        model{s.effects, s.outcomes, s.owner.data(), i.precision, i.factor}, slopes(q, M),
        eliminate(elimination<T>(q)), raw(triangle(q + M) * s.per_group), moments(triangle(q + M)),
        slope((q + M) * (q + M)), d_raw(triangle(q + M)), d_residual(B * M, P(T(0))), delta(q), d_delta(q),
        inverse_sigma(M * s.per_group), d_constant(M, P(T(0))) {}

  int outcome(int i) const { return i < q ? shape.owner[i] : i - q; }
  int64_t cells() const { return shape.groups * shape.per_group; }
  // Numbers of cell `c` of the groups at hand, out of T.
  P load(const T* from, int64_t c) const {
    return P::load(from + group * shape.per_group + c, lanes, shape.per_group);
  }
  void store(const P& pack, T* to, int64_t c) const {
    pack.store(to + group * shape.per_group + c, lanes, shape.per_group);
  }

  void run() {
    for (group = 0; group < shape.groups; group += kLanes) {
      lanes = shape.groups - group < kLanes ? int(shape.groups - group) : kLanes;
      block();
    }
    finish();
  }

  void block() {
    for (P& moment : moments) moment = P(T(0));
    for (int a = 0; a < q; a++) {
      d_delta[a] = P(T(0));
      if (shape.shifted) delta[a] = P::load(in.shift + a * shape.groups + group, lanes);
    }
    for (int64_t c = 0; c < shape.per_group; c++) forward(c);
    total += eliminate(model, moments.data(), P(T(1)), slope.data(), slopes);
    for (int64_t c = 0; c < shape.per_group; c++) backward(c);
    if (shape.shifted)
      for (int a = 0; a < q; a++) d_delta[a].store(out.shift + a * shape.groups + group, lanes);
  }

  P* raw_of(int64_t c) { return raw.data() + c * triangle(n); }

  // Cross-products of the cell, shifted and then scaled by its sigmas.
  void forward(int64_t c) {
    P* x = raw_of(c);
    const int64_t T_ = cells();
    for (int a = 0; a < q; a++)
      for (int e = 0; e <= a; e++) x[at(a, e)] = load(in.varying + (a * q + e) * T_, c);
    for (int m = 0; m < M; m++) {
      for (int a = 0; a < q; a++) {
        P sum(T(0));
        for (int b = 0; b < B; b++) sum += P(in.residual[b * M + m]) * load(in.mixed + (b * q + a) * T_, c);
        x[at(q + m, a)] = sum;
      }
      for (int k = 0; k <= m; k++) x[at(q + m, q + k)] = shape.whole ? P(T(0)) : square(m, k, c);
    }
    if (shape.shifted) shift(x);
    const P count = load(in.count, c);
    for (int m = 0; m < M; m++) {
      P& weight = inverse_sigma[c * M + m];
      const P s = shape.constant ? P(in.log_sigma[m]) : load(in.log_sigma + m * T_, c);
      weight = exp(-s);
      total -= count * s;
    }
    for (int a = 0; a < n; a++)
      for (int e = 0; e <= a; e++)
        moments[at(a, e)] += x[at(a, e)] * inverse_sigma[c * M + outcome(a)] * inverse_sigma[c * M + outcome(e)];
  }

  P square(int m, int k, int64_t c) const {
    P sum(T(0));
    for (int b = 0; b < B; b++) {
      P inner(T(0));
      for (int d = 0; d < B; d++) inner += P(in.residual[d * M + k]) * load(in.basis + (b * B + d) * cells(), c);
      sum += P(in.residual[b * M + m]) * inner;
    }
    return sum;
  }

  // Take Z delta off the residuals: of r_m'r_k before of Z'r, which it needs as it was.
  void shift(P* x) const {
    for (int m = 0; m < M; m++)
      for (int k = 0; k <= m; k++)
        for (int a = 0; a < q; a++) {
          if (outcome(a) == m) x[at(q + m, q + k)] -= delta[a] * x[at(q + k, a)];
          if (outcome(a) == k) x[at(q + m, q + k)] -= delta[a] * x[at(q + m, a)];
          for (int e = 0; e < q; e++)
            if (outcome(a) == m && outcome(e) == k)
              x[at(q + m, q + k)] += delta[a] * delta[e] * x[sym(a, e)];
        }
    for (int m = 0; m < M; m++)
      for (int a = 0; a < q; a++)
        for (int e = 0; e < q; e++)
          if (outcome(e) == m) x[at(q + m, a)] -= delta[e] * x[sym(a, e)];
  }

  void backward(int64_t c) {
    const P* x = raw_of(c);
    const P* weight = &inverse_sigma[c * M];
    const P count = load(in.count, c);
    for (int a = 0; a < n; a++)
      for (int e = 0; e <= a; e++) {
        const P half = a == e ? P(T(0.5)) : P(T(1));
        d_raw[at(a, e)] = half * slope[a * n + e] * weight[outcome(a)] * weight[outcome(e)];
      }
    for (int m = 0; m < M; m++) {
      P sum = -count;
      for (int a = 0; a < n; a++)
        if (outcome(a) == m)
          for (int e = 0; e < n; e++)
            sum -= P(T(a == e ? 2 : 1)) * d_raw[sym(a, e)] * x[sym(a, e)];
      if (shape.constant) d_constant[m] += sum;
      else store(sum, out.log_sigma + m * cells(), c);
    }
    if (shape.shifted) backward_shift(x);
    for (int m = 0; m < M; m++)
      for (int b = 0; b < B; b++) {
        P sum(T(0));
        for (int a = 0; a < q; a++) sum += d_raw[at(q + m, a)] * load(in.mixed + (b * q + a) * cells(), c);
        if (!shape.whole)
          for (int k = 0; k < M; k++) {
            P inner(T(0));
            for (int d = 0; d < B; d++)
              inner += P(in.residual[d * M + k]) * load(in.basis + (b * B + d) * cells(), c);
            sum += P(T(m == k ? 2 : 1)) * d_raw[sym(q + m, q + k)] * inner;
          }
        d_residual[b * M + m] += sum;
      }
  }

  // x holds the shifted cross-products, so that d r_m'r_k / d delta_a is minus the shifted Z'r.
  void backward_shift(const P* x) {
    for (int a = 0; a < q; a++) {
      const int m = outcome(a);
      for (int e = 0; e < q; e++) d_delta[a] -= d_raw[at(q + m, e)] * x[sym(a, e)];
      for (int k = 0; k < M; k++)
        d_delta[a] -= P(T(m == k ? 2 : 1)) * d_raw[sym(q + m, q + k)] * x[at(q + k, a)];
    }
    for (int a = 0; a < q; a++) {
      const int m = outcome(a);
      for (int k = 0; k < M; k++)
        d_raw[at(q + k, a)] -= P(T(m == k ? 2 : 1)) * d_raw[sym(q + m, q + k)] * delta[a];
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
    T value = total.sum();
    for (int i = 0; i < B * M; i++) out.residual[i] = d_residual[i].sum();
    for (int i = 0; i < q * q; i++) out.factor[i] = slopes.factor[i].sum();
    for (int i = 0; i < M * M; i++) out.precision[i] = slopes.precision[i].sum();
    if (shape.constant)
      for (int m = 0; m < M; m++) out.log_sigma[m] = d_constant[m].sum();
    if (shape.whole) add_whole(value, out.log_sigma);
    *out.value = value;
  }
};

template <class T, int E = HMLM_UNROLLED>
void cells(const CellShape& shape, const CellInput<T>& in, CellOutput<T>& out) {
  if constexpr (E > 0) {
    if (shape.effects + shape.outcomes == E) return CellPass<T, E>(shape, in, out).run();
    return cells<T, E - 1>(shape, in, out);
  } else {
    return CellPass<T, 0>(shape, in, out).run();
  }
}

}  // namespace HMLM_ISA
}  // namespace hmlm

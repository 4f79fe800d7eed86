// Gaussian rows of eight groups at a time, their effects integrated out: two passes while they sit in cache.
#pragma once
#include "eliminate.h"
#include "groups.h"
#include "shapes.h"

namespace hmlm {
namespace HMLM_ISA {

constexpr int kBlock = 4;  // rows that share a load of every coefficient

// M_ = 0: any numbers of effects and outcomes; else Q and M_ of them.
template <class T, int Q, int M_>
struct RowPass {
  using P = Pack<T>;
  static constexpr bool known = M_ > 0;
  static constexpr int E = Q + M_;

  const RowShape& shape;
  const RowInput<T>& in;
  RowOutput<T>& out;
  const int q, M, K;
  Model<T> model;
  Slopes<T, kLanes> slopes;
  LogProduct<T, kLanes> determinant;
  Packs<T> mean, scale, d_mean, d_scale;
  std::vector<P> inverse_sigma, white;
  P total = P(T(0));

  RowPass(const RowShape& s, const RowInput<T>& i, RowOutput<T>& o)
      : shape(s), in(i), out(o), q(known ? Q : s.effects), M(known ? M_ : s.outcomes), K(s.columns),
        model{s.effects, s.outcomes, s.owner.data(), i.precision, i.factor}, slopes(s.effects, s.outcomes),
        mean(s.means), scale(s.scales), d_mean(s.means), d_scale(s.scales) {}

  using Moments = Array<P, room(known, triangle(E))>;
  using Slope = Array<P, room(known, E * E)>;
  template <int R>
  using Block = Array<P, room(known, E * R)>;  // (E, R): v = [z / sigma; r / sigma] of R rows

  void bundle(int64_t b) {
    const int32_t* group = in.group + b * kLanes;
    const int64_t first = in.start[b], n = in.start[b + 1] - first;
    const bool alone = is_alone(group);
    gather(in.mean, shape.groups, group, mean);
    gather(in.scale, shape.groups, group, scale);
    d_mean.clear();
    d_scale.clear();
    inverse_sigma.resize(n * M);
    white.resize(n * M);
    Moments moments(triangle(size()));
    for (int i = 0; i < triangle(size()); i++) moments[i] = P(T(0));
    P log_sigma(T(0));
    for (int64_t i = 0; i + kBlock <= n; i += kBlock) forward<kBlock>(first, i, moments, log_sigma);
    for (int64_t i = n - n % kBlock; i < n; i++) forward<1>(first, i, moments, log_sigma);
    P once = P(T(1));
    if (alone) {
      for (int i = 0; i < triangle(size()); i++) moments[i] = P(moments[i].sum());
      for (int lane = 1; lane < kLanes; lane++) once[lane] = 0;
    }
    Slope slope(size() * size());
    total += once * Elimination<T, Q, M_>::run(model, moments, once, slope, slopes, determinant) - log_sigma;
    for (int64_t i = 0; i + kBlock <= n; i += kBlock) backward<kBlock>(first, i, slope);
    for (int64_t i = n - n % kBlock; i < n; i++) backward<1>(first, i, slope);
    scatter(d_mean, shape.groups, group, out.mean);
    scatter(d_scale, shape.groups, group, out.scale);
  }

  HMLM_INLINE int size() const { return known ? E : q + M; }
  HMLM_INLINE int owner(int a) const { return M_ == 1 ? 0 : shape.owner[a]; }

  HMLM_INLINE const T* columns_at(int64_t row) const { return in.columns + row * K * kLanes; }
  HMLM_INLINE P column(const T* columns, int r, int k) const { return P::load(columns + (r * K + k) * kLanes); }
  HMLM_INLINE int64_t offset_at(int part, int m, int64_t row) const {
    return ((int64_t(part) * M + m) * shape.rows + row) * kLanes;
  }

  // Predictors of R rows, and what they add to the moments.
  template <int R>
  HMLM_INLINE void forward(int64_t first, int64_t i, Moments& moments, P& log_sigma) {
    const T* columns = columns_at(first + i);
    Block<R> v(size() * R);
    for (int m = 0; m < M; m++) {
      P mu[R], s[R];
      predict<R>(m, first + i, columns, mu, s);
      HMLM_UNROLL
      for (int r = 0; r < R; r++) {
        const P weight = exp(-s[r]);
        const P z = weight * (P::load(in.outcomes + ((first + i + r) * M + m) * kLanes) - mu[r]);
        inverse_sigma[(i + r) * M + m] = weight;
        white[(i + r) * M + m] = z;
        log_sigma += s[r];
        v[(q + m) * R + r] = z;
      }
    }
    scaled_columns<R>(columns, i, v);
    for (int a = 0; a < size(); a++)
      for (int e = 0; e <= a; e++) {
        P sum = moments[at(a, e)];
        HMLM_UNROLL
        for (int r = 0; r < R; r++) sum += v[a * R + r] * v[e * R + r];
        moments[at(a, e)] = sum;
      }
  }

  template <int R>
  HMLM_INLINE void scaled_columns(const T* columns, int64_t i, Block<R>& v) const {
    for (int a = 0; a < q; a++) {
      HMLM_UNROLL
      for (int r = 0; r < R; r++)
        v[a * R + r] = column(columns, r, shape.column[a]) * inverse_sigma[(i + r) * M + owner(a)];
    }
  }

  template <int R>
  HMLM_INLINE void predict(int m, int64_t row, const T* columns, P* mu, P* s) const {
    HMLM_UNROLL
    for (int r = 0; r < R; r++) {
      mu[r] = in.offset ? P::load(in.offset + offset_at(0, m, row + r)) : P(T(0));
      s[r] = in.offset ? P::load(in.offset + offset_at(1, m, row + r)) : P(T(0));
    }
    for (const Term& term : shape.both[m]) {
      const P b = mean[term.mean], c = scale[term.scale];
      HMLM_UNROLL
      for (int r = 0; r < R; r++) {
        const P d = column(columns, r, term.column);
        mu[r] += d * b;
        s[r] += d * c;
      }
    }
    for (const Term& term : shape.mean_only[m]) {
      const P b = mean[term.mean];
      HMLM_UNROLL
      for (int r = 0; r < R; r++) mu[r] += column(columns, r, term.column) * b;
    }
    for (const Term& term : shape.scale_only[m]) {
      const P c = scale[term.scale];
      HMLM_UNROLL
      for (int r = 0; r < R; r++) s[r] += column(columns, r, term.column) * c;
    }
  }

  // Gradient of R rows: v_bar = H v, then the coefficients'.
  template <int R>
  HMLM_INLINE void backward(int64_t first, int64_t i, const Slope& slope) {
    const T* columns = columns_at(first + i);
    const int n = size();
    Block<R> v(n * R);
    scaled_columns<R>(columns, i, v);
    for (int m = 0; m < M; m++) {
      HMLM_UNROLL
      for (int r = 0; r < R; r++) v[(q + m) * R + r] = white[(i + r) * M + m];
    }
    for (int m = 0; m < M; m++) {
      P mu_bar[R], s_bar[R];
      HMLM_UNROLL
      for (int r = 0; r < R; r++) s_bar[r] = P(T(-1));
      for (int a = 0; a < n; a++) {
        if (a < q ? owner(a) != m : a != q + m) continue;
        P bar[R];
        HMLM_UNROLL
        for (int r = 0; r < R; r++) bar[r] = P(T(0));
        for (int e = 0; e < n; e++) {
          HMLM_UNROLL
          for (int r = 0; r < R; r++) bar[r] += slope[a * n + e] * v[e * R + r];
        }
        HMLM_UNROLL
        for (int r = 0; r < R; r++) {
          s_bar[r] -= v[a * R + r] * bar[r];
          if (a == q + m) mu_bar[r] = -inverse_sigma[(i + r) * M + m] * bar[r];
        }
      }
      add<R>(m, first + i, columns, mu_bar, s_bar);
    }
  }

  template <int R>
  HMLM_INLINE void add(int m, int64_t row, const T* columns, const P* mu_bar, const P* s_bar) {
    if (out.offset) {
      for (int r = 0; r < R; r++) {
        mu_bar[r].store(out.offset + offset_at(0, m, row + r));
        s_bar[r].store(out.offset + offset_at(1, m, row + r));
      }
    }
    for (const Term& term : shape.both[m]) {
      P b = d_mean[term.mean], c = d_scale[term.scale];
      HMLM_UNROLL
      for (int r = 0; r < R; r++) {
        const P d = column(columns, r, term.column);
        b += d * mu_bar[r];
        c += d * s_bar[r];
      }
      d_mean[term.mean] = b;
      d_scale[term.scale] = c;
    }
    for (const Term& term : shape.mean_only[m]) {
      P b = d_mean[term.mean];
      HMLM_UNROLL
      for (int r = 0; r < R; r++) b += column(columns, r, term.column) * mu_bar[r];
      d_mean[term.mean] = b;
    }
    for (const Term& term : shape.scale_only[m]) {
      P c = d_scale[term.scale];
      HMLM_UNROLL
      for (int r = 0; r < R; r++) c += column(columns, r, term.column) * s_bar[r];
      d_scale[term.scale] = c;
    }
  }

  // Adds to value and the gradients that groups share; those by group are written by `bundle`.
  void finish() {
    *out.value += total.sum() - T(0.5) * determinant.sum();
    for (int i = 0; i < q * q; i++) out.factor[i] += slopes.factor[i].sum();
    for (int i = 0; i < M * M; i++) out.precision[i] += slopes.precision[i].sum();
  }
};

template <class T>
struct RowCall {
  const RowShape& shape;
  const RowInput<T>& in;
  RowOutput<T>& out;
  int64_t begin, end;

  template <int Q, int M>
  void run() {
    RowPass<T, Q, M> pass(shape, in, out);
    for (int64_t b = begin; b < end; b++) pass.bundle(b);
    pass.finish();
  }
};

template <class T>
void rows(const RowShape& shape, const RowInput<T>& in, RowOutput<T>& out, int64_t begin, int64_t end) {
  with_sizes(shape.effects, shape.outcomes, RowCall<T>{shape, in, out, begin, end});
}

}  // namespace HMLM_ISA
}  // namespace hmlm

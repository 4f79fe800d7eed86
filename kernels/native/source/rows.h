// Gaussian rows of eight groups at a time, their effects integrated out: two passes while they sit in cache.
#pragma once
#include "eliminate.h"
#include "shapes.h"

namespace hmlm {
namespace HMLM_ISA {

constexpr int kBlock = 4;  // rows that share a load of every coefficient

template <class T, int E>
struct RowPass {
  using P = Pack<T>;
  const RowShape& shape;
  const RowInput<T>& in;
  RowOutput<T>& out;
  Model<T> model;
  Slopes<T> slopes;
  Eliminate<T> eliminate;
  std::vector<P> mean, scale, d_mean, d_scale, inverse_sigma, white, slope, moments;
  P total = P(T(0));

  RowPass(const RowShape& s, const RowInput<T>& i, RowOutput<T>& o)
      : shape(s), in(i), out(o), model{s.effects, s.outcomes, s.owner.data(), i.precision, i.factor},
        slopes(s.effects, s.outcomes), eliminate(elimination<T>(s.effects)), mean(s.means), scale(s.scales),
        d_mean(s.means), d_scale(s.scales), slope((s.effects + s.outcomes) * (s.effects + s.outcomes)),
        moments(triangle(s.effects + s.outcomes)) {}

  void bundle(int64_t b) {
    const int32_t* group = in.group + b * kLanes;
    const int64_t first = in.start[b], n = in.start[b + 1] - first;
    const bool alone = group[0] >= 0 && group[0] == group[1];
    gather(in.mean, group, mean);
    gather(in.scale, group, scale);
    clear(d_mean);
    clear(d_scale);
    clear(moments);
    inverse_sigma.resize(n * shape.outcomes);
    white.resize(n * shape.outcomes);
    P log_sigma(T(0));
    for (int64_t i = 0; i + kBlock <= n; i += kBlock) forward<kBlock>(first, i, log_sigma);
    for (int64_t i = n - n % kBlock; i < n; i++) forward<1>(first, i, log_sigma);
    if (alone) for (P& moment : moments) moment = P(moment.sum());
    P once = P(T(1));
    if (alone) for (int lane = 1; lane < kLanes; lane++) once[lane] = 0;
    P value = eliminate(model, moments.data(), once, slope.data(), slopes);
    total += once * value - log_sigma;
    for (int64_t i = 0; i + kBlock <= n; i += kBlock) backward<kBlock>(first, i);
    for (int64_t i = n - n % kBlock; i < n; i++) backward<1>(first, i);
    scatter(d_mean, group, alone, out.mean);
    scatter(d_scale, group, alone, out.scale);
  }

  static void clear(std::vector<P>& packs) {
    for (P& pack : packs) pack = P(T(0));
  }

  void gather(const T* from, const int32_t* group, std::vector<P>& packs) const {
    for (size_t a = 0; a < packs.size(); a++) {
      const T* row = from + a * shape.groups;
      P pack(T(0));
      for (int lane = 0; lane < kLanes; lane++)
        if (group[lane] >= 0) pack[lane] = row[group[lane]];
      packs[a] = pack;
    }
  }

  void scatter(const std::vector<P>& packs, const int32_t* group, bool alone, T* to) const {
    for (size_t a = 0; a < packs.size(); a++) {
      T* row = to + a * shape.groups;
      if (alone) {
        row[group[0]] = packs[a].sum();
        continue;
      }
      for (int lane = 0; lane < kLanes; lane++)
        if (group[lane] >= 0) row[group[lane]] = packs[a][lane];
    }
  }

  const T* columns_at(int64_t row) const { return in.columns + row * shape.columns * kLanes; }

  const T* offset_at(int part, int m, int64_t row) const {
    return in.offset + ((int64_t(part) * shape.outcomes + m) * shape.rows + row) * kLanes;
  }

  // Predictors of R rows, and what they add to the moments of v = [z / sigma; r / sigma].
  template <int R>
  void forward(int64_t first, int64_t i, P& log_sigma) {
    const int M = shape.outcomes, q = shape.effects, K = shape.columns;
    const T* columns = columns_at(first + i);
    Array<P, E * R> v((q + M) * R);
    for (int m = 0; m < M; m++) {
      P mu[R], s[R];
      predict<R>(m, first + i, columns, mu, s);
      for (int r = 0; r < R; r++) {
        P weight = exp(-s[r]);
        P y = P::load(in.outcomes + ((first + i + r) * M + m) * kLanes);
        P z = weight * (y - mu[r]);
        inverse_sigma[(i + r) * M + m] = weight;
        white[(i + r) * M + m] = z;
        log_sigma += s[r];
        v[(q + m) * R + r] = z;
      }
    }
    for (int a = 0; a < q; a++)
      for (int r = 0; r < R; r++)
        v[a * R + r] = P::load(columns + (r * K + shape.column[a]) * kLanes) *
                       inverse_sigma[(i + r) * M + shape.owner[a]];
    const int n = E ? E : q + M;
    for (int a = 0; a < n; a++)
      for (int e = 0; e <= a; e++) {
        P sum = moments[at(a, e)];
        for (int r = 0; r < R; r++) sum += v[a * R + r] * v[e * R + r];
        moments[at(a, e)] = sum;
      }
  }

  template <int R>
  void predict(int m, int64_t row, const T* columns, P* mu, P* s) const {
    const int K = shape.columns;
    for (int r = 0; r < R; r++) {
      mu[r] = in.offset ? P::load(offset_at(0, m, row + r)) : P(T(0));
      s[r] = in.offset ? P::load(offset_at(1, m, row + r)) : P(T(0));
    }
    for (const Term& term : shape.both[m]) {
      const P b = mean[term.mean], c = scale[term.scale];
      for (int r = 0; r < R; r++) {
        const P d = P::load(columns + (r * K + term.column) * kLanes);
        mu[r] += d * b;
        s[r] += d * c;
      }
    }
    for (const Term& term : shape.mean_only[m])
      for (int r = 0; r < R; r++) mu[r] += P::load(columns + (r * K + term.column) * kLanes) * mean[term.mean];
    for (const Term& term : shape.scale_only[m])
      for (int r = 0; r < R; r++) s[r] += P::load(columns + (r * K + term.column) * kLanes) * scale[term.scale];
  }

  // Gradient of R rows: v_bar = H v, then the coefficients'.
  template <int R>
  void backward(int64_t first, int64_t i) {
    const int M = shape.outcomes, q = shape.effects, K = shape.columns, n = E ? E : q + M;
    const T* columns = columns_at(first + i);
    Array<P, E * R> v((q + M) * R);
    for (int a = 0; a < q; a++)
      for (int r = 0; r < R; r++)
        v[a * R + r] = P::load(columns + (r * K + shape.column[a]) * kLanes) *
                       inverse_sigma[(i + r) * M + shape.owner[a]];
    for (int m = 0; m < M; m++)
      for (int r = 0; r < R; r++) v[(q + m) * R + r] = white[(i + r) * M + m];
    Array<P, E * R> v_bar((q + M) * R);
    for (int a = 0; a < n; a++)
      for (int r = 0; r < R; r++) {
        P sum(T(0));
        for (int e = 0; e < n; e++) sum += slope[a * n + e] * v[e * R + r];
        v_bar[a * R + r] = sum;
      }
    for (int m = 0; m < M; m++) {
      P mu_bar[R], s_bar[R];
      for (int r = 0; r < R; r++) {
        mu_bar[r] = -inverse_sigma[(i + r) * M + m] * v_bar[(q + m) * R + r];
        s_bar[r] = P(T(-1)) - v[(q + m) * R + r] * v_bar[(q + m) * R + r];
        for (int a = 0; a < q; a++)
          if (M == 1 || shape.owner[a] == m) s_bar[r] -= v[a * R + r] * v_bar[a * R + r];
      }
      add<R>(m, first + i, columns, mu_bar, s_bar);
    }
  }

  template <int R>
  void add(int m, int64_t row, const T* columns, const P* mu_bar, const P* s_bar) {
    const int K = shape.columns;
    if (out.offset)
      for (int r = 0; r < R; r++) {
        mu_bar[r].store(const_cast<T*>(out.offset) + (offset_at(0, m, row + r) - in.offset));
        s_bar[r].store(const_cast<T*>(out.offset) + (offset_at(1, m, row + r) - in.offset));
      }
    for (const Term& term : shape.both[m]) {
      P b = d_mean[term.mean], c = d_scale[term.scale];
      for (int r = 0; r < R; r++) {
        const P d = P::load(columns + (r * K + term.column) * kLanes);
        b += d * mu_bar[r];
        c += d * s_bar[r];
      }
      d_mean[term.mean] = b;
      d_scale[term.scale] = c;
    }
    for (const Term& term : shape.mean_only[m])
      for (int r = 0; r < R; r++)
        d_mean[term.mean] += P::load(columns + (r * K + term.column) * kLanes) * mu_bar[r];
    for (const Term& term : shape.scale_only[m])
      for (int r = 0; r < R; r++)
        d_scale[term.scale] += P::load(columns + (r * K + term.column) * kLanes) * s_bar[r];
  }

  // Adds to value and the gradients that groups share; those by group are written by `bundle`.
  void finish() {
    const int q = shape.effects, M = shape.outcomes;
    *out.value += total.sum();
    for (int i = 0; i < q * q; i++) out.factor[i] += slopes.factor[i].sum();
    for (int i = 0; i < M * M; i++) out.precision[i] += slopes.precision[i].sum();
  }
};

template <class T, int E>
void run_rows(const RowShape& shape, const RowInput<T>& in, RowOutput<T>& out, int64_t begin, int64_t end) {
  RowPass<T, E> pass(shape, in, out);
  for (int64_t b = begin; b < end; b++) pass.bundle(b);
  pass.finish();
}

template <class T, int E = HMLM_UNROLLED>
void rows(const RowShape& shape, const RowInput<T>& in, RowOutput<T>& out, int64_t begin, int64_t end) {
  if constexpr (E > 0) {
    if (shape.effects + shape.outcomes == E) return run_rows<T, E>(shape, in, out, begin, end);
    return rows<T, E - 1>(shape, in, out, begin, end);
  } else {
    return run_rows<T, 0>(shape, in, out, begin, end);
  }
}

}  // namespace HMLM_ISA
}  // namespace hmlm

// Rows of a generalised linear model with its canonical link, eight groups at a time: value and gradient in one pass.
#pragma once
#include "groups.h"
#include "shapes.h"

namespace hmlm {
namespace HMLM_ISA {

// log(1 + a) for a from 0 to 1, to about one unit in the last place of 1 + a: with x = 1 + a in [1, 2], halved above
// the root of two, log x = 2 artanh(s) with s = (x - 1) / (x + 1).
template <class T, int L>
HMLM_INLINE Pack<T, L> log_one_plus(const Pack<T, L>& a) {
  using V = typename Vector<T>::type;
  return each(a, [](V a) __attribute__((always_inline)) {
    constexpr T root = T(1.41421356237309504880), ln2 = T(0.69314718055994530942);
    constexpr int terms = sizeof(T) == 8 ? 11 : 5;
    const V x = a + T(1), zero = V{};
    const V half = x > root ? zero + T(0.5) : zero + T(1);
    const V shift = x > root ? zero + ln2 : zero;
    const V above = x > root ? a * T(0.5) - T(0.5) : a;  // x / 2 - 1 or x - 1 without cancellation
    const V s = above / (x * half + T(1));
    const V square = s * s;
    V sum = zero + T(1) / T(2 * terms - 1);
    HMLM_UNROLL
    for (int k = terms - 2; k >= 0; k--) sum = sum * square + T(1) / T(2 * k + 1);
    return T(2) * s * sum + shift;
  });
}

// The larger of each number and zero; no number stays none.
template <class T, int L>
HMLM_INLINE Pack<T, L> positive_part(const Pack<T, L>& a) {
  using V = typename Vector<T>::type;
  return each(a, [](V v) __attribute__((always_inline)) { return v < T(0) ? V{} : v; });
}

// n log(1 + exp(eta)) and n times its derivative.
struct Logit {
  template <class T>
  static HMLM_INLINE void cumulant(const Pack<T>& eta, const Pack<T>& n, Pack<T>& value, Pack<T>& slope) {
    using V = typename Vector<T>::type;
    const Pack<T> small = exp(each(eta, [](V v) __attribute__((always_inline)) { return v < T(0) ? v : -v; }));
    value = n * (positive_part(eta) + log_one_plus(small));
    Pack<T> top;
    for (int i = 0; i < Pack<T>::parts; i++) top.part[i] = eta.part[i] < T(0) ? small.part[i] : V{} + T(1);
    slope = n * top / (Pack<T>(T(1)) + small);
  }
};

// n exp(eta), its own derivative.
struct Log {
  template <class T>
  static HMLM_INLINE void cumulant(const Pack<T>& eta, const Pack<T>& n, Pack<T>& value, Pack<T>& slope) {
    value = slope = n * exp(eta);
  }
};

template <class T, class Link>
struct GlmPass {
  using P = Pack<T>;
  const GlmShape& shape;
  const GlmInput<T>& in;
  GlmOutput<T>& out;
  Packs<T> coefficients, slopes;
  P total = P(T(0));

  GlmPass(const GlmShape& s, const GlmInput<T>& i, GlmOutput<T>& o)
      : shape(s), in(i), out(o), coefficients(s.terms.size()), slopes(s.terms.size()) {}

  void bundle(int64_t b) {
    const int32_t* group = in.group + b * kLanes;
    gather(in.coefficients, shape.groups, group, coefficients);
    slopes.clear();
    int64_t i = in.start[b];
    const int64_t stop = in.start[b + 1];
    for (; i + 2 <= stop; i += 2) rows<2>(i);
    for (; i < stop; i++) rows<1>(i);
    scatter(slopes, shape.groups, group, out.coefficients);
  }

  template <int R>
  HMLM_INLINE void rows(int64_t first) {
    const T* columns = in.columns + first * shape.columns * kLanes;
    P eta[R], rest[R];
    HMLM_UNROLL
    for (int r = 0; r < R; r++) eta[r] = P(T(0));
    for (size_t a = 0; a < shape.terms.size(); a++) {
      HMLM_UNROLL
      for (int r = 0; r < R; r++) eta[r] += column(columns, r, a) * coefficients[a];
    }
    HMLM_UNROLL
    for (int r = 0; r < R; r++) {
      const P y = P::load(in.outcomes + (first + r) * kLanes), n = P::load(in.sizes + (first + r) * kLanes);
      P value, slope;
      Link::cumulant(eta[r], n, value, slope);
      total += y * eta[r] - value;
      rest[r] = y - slope;
    }
    for (size_t a = 0; a < shape.terms.size(); a++) {
      P sum = slopes[a];
      HMLM_UNROLL
      for (int r = 0; r < R; r++) sum += column(columns, r, a) * rest[r];
      slopes[a] = sum;
    }
  }

  HMLM_INLINE P column(const T* columns, int r, size_t a) const {
    return P::load(columns + (r * shape.columns + shape.terms[a]) * kLanes);
  }
};

template <class T, class Link>
void run_glm(const GlmShape& shape, const GlmInput<T>& in, GlmOutput<T>& out, int64_t begin, int64_t end) {
  GlmPass<T, Link> pass(shape, in, out);
  for (int64_t b = begin; b < end; b++) pass.bundle(b);
  *out.value += pass.total.sum();
}

template <class T>
void glm(const GlmShape& shape, const GlmInput<T>& in, GlmOutput<T>& out, int64_t begin, int64_t end) {
  if (shape.link == kLogit) run_glm<T, Logit>(shape, in, out, begin, end);
  else run_glm<T, Log>(shape, in, out, begin, end);
}

}  // namespace HMLM_ISA
}  // namespace hmlm

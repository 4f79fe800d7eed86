// Eight numbers side by side: one lane per group, whatever the width of the machine's vectors.
//
// Compiled once per instruction set (HMLM_ISA is its namespace, HMLM_VECTOR_BYTES its vectors' width). No
// fast-math: NaN and infinities go through every operation, so that a rejected proposal stays rejected.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#ifdef __AVX512F__
#include <immintrin.h>
#endif

namespace hmlm {
namespace HMLM_ISA {

constexpr int kLanes = 8;

#define HMLM_INLINE inline __attribute__((always_inline))
#define HMLM_UNROLL _Pragma("GCC unroll 16")

template <class T>
struct Vector {
  using Integer = std::conditional_t<sizeof(T) == 8, int64_t, int32_t>;
  static constexpr int widest = HMLM_VECTOR_BYTES / sizeof(T);
  static constexpr int lanes = widest < kLanes ? widest : kLanes;
  typedef T type __attribute__((vector_size(lanes * sizeof(T))));
  typedef Integer bits __attribute__((vector_size(lanes * sizeof(T))));
};

// The first `n` of L lanes, as the last groups of a table fill them.
template <class T, int L>
struct Lanes {
  static constexpr int parts = L / Vector<T>::lanes;
  int n;
  uint8_t mask[parts];

  explicit Lanes(int64_t left) : n(int(std::min<int64_t>(L, left))) {
    for (int i = 0; i < parts; i++) {
      const int own = std::max(0, std::min(Vector<T>::lanes, n - i * Vector<T>::lanes));
      mask[i] = uint8_t((1u << own) - 1);
    }
  }
};

// L lanes: eight, or more of them where little work per lane would leave the processor waiting for results.
template <class T, int L = kLanes>
struct Pack {
  using V = typename Vector<T>::type;
  static constexpr int width = Vector<T>::lanes;
  static constexpr int parts = L / width;
  V part[parts];

  Pack() = default;
  HMLM_INLINE Pack(T value) {
    for (int i = 0; i < parts; i++) part[i] = V{} + value;
  }
  T& operator[](int lane) { return reinterpret_cast<T*>(part)[lane]; }
  T operator[](int lane) const { return reinterpret_cast<const T*>(part)[lane]; }

  static HMLM_INLINE Pack load(const T* from) {
    Pack out;
    std::memcpy(&out, from, sizeof(Pack));
    return out;
  }
  // Some lanes, and none of the memory behind them; the others are zero.
  static HMLM_INLINE Pack load(const T* from, const Lanes<T, L>& lanes) {
#ifdef __AVX512VL__
    Pack out;
    for (int i = 0; i < parts; i++) {
      if constexpr (sizeof(T) == 8) out.part[i] = (V)_mm512_maskz_loadu_pd(lanes.mask[i], from + i * width);
      else out.part[i] = (V)_mm256_maskz_loadu_ps(lanes.mask[i], from + i * width);
    }
    return out;
#else
    return lanes.n == L ? load(from) : load(from, lanes.n, 1);
#endif
  }
  // The first `n` lanes, `stride` apart.
  static __attribute__((noinline)) Pack load(const T* from, int n, int64_t stride) {
    Pack out(T(0));
    for (int lane = 0; lane < n; lane++) out[lane] = from[lane * stride];
    return out;
  }
  HMLM_INLINE void store(T* to) const { std::memcpy(to, this, sizeof(Pack)); }
  HMLM_INLINE void store(T* to, const Lanes<T, L>& lanes) const {
#ifdef __AVX512VL__
    for (int i = 0; i < parts; i++) {
      if constexpr (sizeof(T) == 8) _mm512_mask_storeu_pd(to + i * width, lanes.mask[i], (__m512d)part[i]);
      else _mm256_mask_storeu_ps(to + i * width, lanes.mask[i], (__m256)part[i]);
    }
#else
    if (lanes.n == L) store(to);
    else store(to, lanes.n, 1);
#endif
  }
  __attribute__((noinline)) void store(T* to, int n, int64_t stride) const {
    for (int lane = 0; lane < n; lane++) to[lane * stride] = (*this)[lane];
  }
  T sum() const {
    V total = part[0];
    for (int i = 1; i < parts; i++) total += part[i];
    T out = 0;
    for (int lane = 0; lane < width; lane++) out += total[lane];
    return out;
  }

  HMLM_INLINE Pack& operator+=(const Pack& b) { return *this = *this + b; }
  HMLM_INLINE Pack& operator-=(const Pack& b) { return *this = *this - b; }
  HMLM_INLINE Pack& operator*=(const Pack& b) { return *this = *this * b; }
  friend HMLM_INLINE Pack operator+(Pack a, const Pack& b) {
    for (int i = 0; i < parts; i++) a.part[i] += b.part[i];
    return a;
  }
  friend HMLM_INLINE Pack operator-(Pack a, const Pack& b) {
    for (int i = 0; i < parts; i++) a.part[i] -= b.part[i];
    return a;
  }
  friend HMLM_INLINE Pack operator*(Pack a, const Pack& b) {
    for (int i = 0; i < parts; i++) a.part[i] *= b.part[i];
    return a;
  }
  friend HMLM_INLINE Pack operator/(Pack a, const Pack& b) {
    for (int i = 0; i < parts; i++) a.part[i] /= b.part[i];
    return a;
  }
  friend HMLM_INLINE Pack operator-(Pack a) {
    for (int i = 0; i < parts; i++) a.part[i] = -a.part[i];
    return a;
  }
};

// Apply `f` to every machine vector of a pack.
template <class T, int L, class F>
HMLM_INLINE Pack<T, L> each(Pack<T, L> a, F f) {
  for (int i = 0; i < Pack<T, L>::parts; i++) a.part[i] = f(a.part[i]);
  return a;
}

template <class T, int L>
HMLM_INLINE Pack<T, L> sqrt(const Pack<T, L>& a) {
  return each(a, [](auto v) {
    for (int i = 0; i < Pack<T>::width; i++) v[i] = std::sqrt(v[i]);
    return v;
  });
}

template <class T>
struct Ieee;
template <>
struct Ieee<double> {
  static constexpr int mantissa = 52, bias = 1023, degree = 12;
  static constexpr double round = 6755399441055744.0;  // 1.5 * 2^52: adding it rounds to an integer
  static constexpr double ln2_high = 0x1.62e42fefa3800p-1, ln2_low = 0x1.ef35793c76730p-45;
  static constexpr double limit = 1400;  // 2^(limit / ln 2 / 2) is a number
};
template <>
struct Ieee<float> {
  static constexpr int mantissa = 23, bias = 127, degree = 7;
  static constexpr float round = 12582912.0f;  // 1.5 * 2^23
  static constexpr float ln2_high = 0x1.62e4p-1f, ln2_low = 0x1.7f7d1cp-20f;
  static constexpr float limit = 170;
};

template <class T>
constexpr std::array<T, Ieee<T>::degree + 1> inverse_factorials() {
  std::array<T, Ieee<T>::degree + 1> out{};
  double factorial = 1;
  for (int n = 0; n <= Ieee<T>::degree; n++) {
    out[n] = T(1 / factorial);
    factorial *= n + 1;
  }
  return out;
}

#ifdef __AVX512F__
// exp of eight numbers to about one unit in the last place: x = (k / 16) ln 2 + r, 2^(k mod 16 / 16) from a table in
// two registers, a short polynomial in r. The maximum keeps its second argument where that is no number.
HMLM_INLINE __m512d exp8(__m512d x) {
  using I = Ieee<double>;
  constexpr double sixteenths = 0x1.8p48;  // adding it rounds to a sixteenth
  const __m512d low = _mm512_setr_pd(0x1p0, 0x1.0b5586cf9890fp0, 0x1.172b83c7d517bp0, 0x1.2387a6e756238p0,
                                     0x1.306fe0a31b715p0, 0x1.3dea64c123422p0, 0x1.4bfdad5362a27p0,
                                     0x1.5ab07dd485429p0);
  const __m512d high = _mm512_setr_pd(0x1.6a09e667f3bcdp0, 0x1.7a11473eb0187p0, 0x1.8ace5422aa0dbp0,
                                      0x1.9c49182a3f090p0, 0x1.ae89f995ad3adp0, 0x1.c199bdd85529cp0,
                                      0x1.d5818dcfba487p0, 0x1.ea4afa2a490dap0);
  x = _mm512_min_pd(_mm512_set1_pd(I::limit), _mm512_max_pd(_mm512_set1_pd(-I::limit), x));
  const __m512d shifted = _mm512_fmadd_pd(x, _mm512_set1_pd(1.44269504088896340736), _mm512_set1_pd(sixteenths));
  const __m512d k = _mm512_sub_pd(shifted, _mm512_set1_pd(sixteenths));
  __m512d r = _mm512_fnmadd_pd(k, _mm512_set1_pd(I::ln2_high), x);
  r = _mm512_fnmadd_pd(k, _mm512_set1_pd(I::ln2_low), r);
  __m512d p = _mm512_set1_pd(1.0 / 5040);
  for (const double c : {1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5, 1.0, 1.0})
    p = _mm512_fmadd_pd(p, r, _mm512_set1_pd(c));
  return _mm512_scalef_pd(_mm512_mul_pd(p, _mm512_permutex2var_pd(low, _mm512_castpd_si512(shifted), high)), k);
}
#endif

// exp to about one unit in the last place: x = k ln 2 + r, a polynomial in r, scaled by 2^k in two steps so
// that overflow gives infinity and underflow zero.
template <class T, int L>
HMLM_INLINE Pack<T, L> exp(const Pack<T, L>& a) {
#ifdef __AVX512F__
  if constexpr (sizeof(T) == 8) return each(a, [](auto v) { return (decltype(v))exp8((__m512d)v); });
#endif
  using I = Ieee<T>;
  using V = typename Vector<T>::type;
  using B = typename Vector<T>::bits;
  return each(a, [](V x) __attribute__((always_inline)) {
    x = x > I::limit ? V{} + I::limit : x;
    x = x < -I::limit ? V{} - I::limit : x;
    constexpr T log2e = T(1.44269504088896340736);
    const V zero = V{};
    V shifted = x * log2e + I::round;
    const V k = shifted - I::round;
    V r = x - k * I::ln2_high;
    r = r - k * I::ln2_low;
    V half = x * (log2e / 2) + I::round;
    const B whole = (B)shifted - (B)(zero + I::round);
    const B first = (B)half - (B)(zero + I::round);
    constexpr auto coefficients = inverse_factorials<T>();
    V p = zero + coefficients[I::degree];
    HMLM_UNROLL
    for (int n = I::degree - 1; n >= 0; n--) p = p * r + coefficients[n];
    return p * (V)((first + I::bias) << I::mantissa) * (V)((whole - first + I::bias) << I::mantissa);
  });
}

// The log of a product of many numbers, lane by lane: one logarithm in the end, for the mantissas. Where a factor
// is infinite or no number, so is the log; factors that are not positive must show elsewhere.
template <class T, int L>
class LogProduct {
  using I = Ieee<T>;
  using V = typename Vector<T>::type;
  using B = typename Vector<T>::bits;
  using Integer = typename Vector<T>::Integer;

 public:
  HMLM_INLINE void multiply(const Pack<T, L>& factor) {
    spoilt_ += factor * Pack<T, L>(T(0));
    const B offset = B{} + (Integer)((Integer(I::bias) << I::mantissa) - (Integer(1) << (I::mantissa - 1)));
    for (int i = 0; i < Pack<T, L>::parts; i++) {  // product = 2^exponent m with m in [3/4, 3/2)
      const B bits = (B)(product_.part[i] * factor.part[i]);
      const B exponent = (bits - offset) >> I::mantissa;
      product_.part[i] = (V)(bits - (exponent << I::mantissa));
      exponent_[i] += exponent;
    }
  }

  T sum() const {
    T product = 1, exponent = 0;
    for (int i = 0; i < Pack<T, L>::parts; i++)
      for (int lane = 0; lane < Pack<T, L>::width; lane++) {
        product *= product_.part[i][lane];
        exponent += T(exponent_[i][lane]);
      }
    return std::log(product) + exponent * T(0.69314718055994530942) + spoilt_.sum();
  }

 private:
  Pack<T, L> product_ = Pack<T, L>(T(1)), spoilt_ = Pack<T, L>(T(0));
  B exponent_[Pack<T, L>::parts] = {};
};

// Room for N items on the stack; for any number, known when it is made, where N is negative.
template <class P, int N, bool fixed = (N >= 0)>
struct Array {
  P items[N > 0 ? N : 1];
  explicit Array(int) {}
  P& operator[](int i) { return items[i]; }
  const P& operator[](int i) const { return items[i]; }
  operator P*() { return items; }
};
template <class P, int N>
struct Array<P, N, false> {
  std::vector<P> items;
  explicit Array(int n) : items(n) {}
  P& operator[](int i) { return items[i]; }
  const P& operator[](int i) const { return items[i]; }
  operator P*() { return items.data(); }
};

// Packs, as many as it takes, set to zero; on the stack where they are few, since aligned memory is slow to get.
template <class T, int L = kLanes>
class Packs {
 public:
  explicit Packs(size_t n) : size_(n), heap_(n > kFew ? n : 0), items_(n > kFew ? heap_.data() : few_) { clear(); }
  Packs(const Packs&) = delete;
  void clear() {
    for (size_t i = 0; i < size_; i++) items_[i] = Pack<T, L>(T(0));
  }
  size_t size() const { return size_; }
  HMLM_INLINE Pack<T, L>& operator[](size_t i) { return items_[i]; }
  HMLM_INLINE const Pack<T, L>& operator[](size_t i) const { return items_[i]; }
  HMLM_INLINE Pack<T, L>* data() { return items_; }

 private:
  static constexpr size_t kFew = 40;
  size_t size_;
  Pack<T, L> few_[kFew];
  std::vector<Pack<T, L>> heap_;
  Pack<T, L>* items_;
};

// Lanes that keep the processor busy with matrices of a size without running out of registers.
constexpr int lanes_for(int size) { return size <= 1 ? 4 * kLanes : size == 2 ? 2 * kLanes : kLanes; }

constexpr int triangle(int n) { return n * (n + 1) / 2; }
// `size` where it is known to the compiler, else -1.
constexpr int room(bool known, int size) { return known ? size : -1; }
// Position of entry (a, b), b <= a, of a lower triangle held row by row.
constexpr int at(int a, int b) { return a * (a + 1) / 2 + b; }
constexpr int sym(int a, int b) { return a > b ? at(a, b) : at(b, a); }

}  // namespace HMLM_ISA
}  // namespace hmlm

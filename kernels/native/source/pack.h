// Eight numbers side by side: one lane per group, whatever the width of the machine's vectors.
//
// Compiled once per instruction set (HMLM_ISA is its namespace, HMLM_VECTOR_BYTES its vectors' width). No
// fast-math: NaN and infinities go through every operation, so that a rejected proposal stays rejected.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

namespace hmlm {
namespace HMLM_ISA {

constexpr int kLanes = 8;

template <class T>
struct Vector {
  using Integer = std::conditional_t<sizeof(T) == 8, int64_t, int32_t>;
  static constexpr int widest = HMLM_VECTOR_BYTES / sizeof(T);
  static constexpr int lanes = widest < kLanes ? widest : kLanes;
  typedef T type __attribute__((vector_size(lanes * sizeof(T))));
  typedef Integer bits __attribute__((vector_size(lanes * sizeof(T))));
};

template <class T>
struct Pack {
  using V = typename Vector<T>::type;
  static constexpr int width = Vector<T>::lanes;
  static constexpr int parts = kLanes / width;
  V part[parts];

  Pack() = default;
  Pack(T value) {
    for (int i = 0; i < parts; i++) part[i] = V{} + value;
  }
  T& operator[](int lane) { return reinterpret_cast<T*>(part)[lane]; }
  T operator[](int lane) const { return reinterpret_cast<const T*>(part)[lane]; }

  static Pack load(const T* from) {
    Pack out;
    std::memcpy(&out, from, sizeof(Pack));
    return out;
  }
  // The first `n` lanes, `stride` apart; the others are zero.
  static Pack load(const T* from, int n, int64_t stride = 1) {
    if (n == kLanes && stride == 1) return load(from);
    Pack out(T(0));
    for (int lane = 0; lane < n; lane++) out[lane] = from[lane * stride];
    return out;
  }
  void store(T* to) const { std::memcpy(to, this, sizeof(Pack)); }
  void store(T* to, int n, int64_t stride = 1) const {
    if (n == kLanes && stride == 1) return store(to);
    for (int lane = 0; lane < n; lane++) to[lane * stride] = (*this)[lane];
  }
  T sum() const {
    T out = 0;
    for (int lane = 0; lane < kLanes; lane++) out += (*this)[lane];
    return out;
  }

  Pack& operator+=(const Pack& b) { return *this = *this + b; }
  Pack& operator-=(const Pack& b) { return *this = *this - b; }
  Pack& operator*=(const Pack& b) { return *this = *this * b; }
  friend Pack operator+(Pack a, const Pack& b) {
    for (int i = 0; i < parts; i++) a.part[i] += b.part[i];
    return a;
  }
  friend Pack operator-(Pack a, const Pack& b) {
    for (int i = 0; i < parts; i++) a.part[i] -= b.part[i];
    return a;
  }
  friend Pack operator*(Pack a, const Pack& b) {
    for (int i = 0; i < parts; i++) a.part[i] *= b.part[i];
    return a;
  }
  friend Pack operator/(Pack a, const Pack& b) {
    for (int i = 0; i < parts; i++) a.part[i] /= b.part[i];
    return a;
  }
  friend Pack operator-(Pack a) {
    for (int i = 0; i < parts; i++) a.part[i] = -a.part[i];
    return a;
  }
};

// Apply `f` to every machine vector of a pack.
template <class T, class F>
inline Pack<T> each(Pack<T> a, F f) {
  for (int i = 0; i < Pack<T>::parts; i++) a.part[i] = f(a.part[i]);
  return a;
}

template <class T>
inline Pack<T> sqrt(const Pack<T>& a) {
  return each(a, [](auto v) {
    for (int i = 0; i < Pack<T>::width; i++) v[i] = std::sqrt(v[i]);
    return v;
  });
}

template <class T>
struct Ieee;
template <>
struct Ieee<double> {
  static constexpr int mantissa = 52, bias = 1023, degree = 12, log_terms = 10;
  static constexpr double round = 6755399441055744.0;  // 1.5 * 2^52: adding it rounds to an integer
  static constexpr double ln2_high = 0x1.62e42fefa3800p-1, ln2_low = 0x1.ef35793c76730p-45;
  static constexpr double limit = 1400;  // 2^(limit / ln 2 / 2) is a number
};
template <>
struct Ieee<float> {
  static constexpr int mantissa = 23, bias = 127, degree = 7, log_terms = 5;
  static constexpr float round = 12582912.0f;  // 1.5 * 2^23
  static constexpr float ln2_high = 0x1.62e4p-1f, ln2_low = 0x1.7f7d1cp-20f;
  static constexpr float limit = 170;
};

// exp to about one unit in the last place: x = k ln 2 + r, a polynomial in r, scaled by 2^k in two steps so
// that overflow gives infinity and underflow zero.
template <class T>
inline Pack<T> exp(const Pack<T>& a) {
  using I = Ieee<T>;
  using V = typename Vector<T>::type;
  using B = typename Vector<T>::bits;
  return each(a, [](V x) {
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
    T factorial = 1;
    T coefficients[I::degree + 1];
    for (int n = 0; n <= I::degree; n++) {
      coefficients[n] = 1 / factorial;
      factorial *= n + 1;
    }
    V p = zero + coefficients[I::degree];
    for (int n = I::degree - 1; n >= 0; n--) p = p * r + coefficients[n];
    return p * (V)((first + I::bias) << I::mantissa) * (V)((whole - first + I::bias) << I::mantissa);
  });
}

// log of numbers >= 1, as determinants of I + positive semi-definite matrices are; NaN for anything that is not
// positive, so that a failed factorization is not mistaken for a small value.
template <class T>
inline Pack<T> log(const Pack<T>& a) {
  using I = Ieee<T>;
  using V = typename Vector<T>::type;
  using B = typename Vector<T>::bits;
  using Integer = typename Vector<T>::Integer;
  return each(a, [](V x) {
    const V zero = V{};
    constexpr T infinity = std::numeric_limits<T>::infinity();
    const B offset = B{} + (Integer)((Integer(I::bias) << I::mantissa) - (Integer(1) << (I::mantissa - 1)));
    // x = 2^e m with m in [3/4, 3/2)
    B exponent = ((B)x - offset) >> I::mantissa;
    V m = (V)((B)x - (exponent << I::mantissa));
    V e;
    for (int i = 0; i < Pack<T>::width; i++) e[i] = (T)exponent[i];
    V s = (m - 1) / (m + 1);
    V s2 = s * s;
    V p = zero + T(2) / (2 * I::log_terms + 1);
    for (int n = I::log_terms - 1; n >= 0; n--) p = p * s2 + T(2) / (2 * n + 1);
    V out = e * I::ln2_high + (s * p + e * I::ln2_low);
    out = x == infinity ? zero + infinity : out;
    return x > 0 ? out : zero + std::numeric_limits<T>::quiet_NaN();
  });
}

// Room for N items on the stack, or for any number where N is zero.
template <class P, int N>
struct Array {
  P items[N];
  explicit Array(int) {}
  P& operator[](int i) { return items[i]; }
  const P& operator[](int i) const { return items[i]; }
  operator P*() { return items; }
};
template <class P>
struct Array<P, 0> {
  std::vector<P> items;
  explicit Array(int n) : items(n) {}
  P& operator[](int i) { return items[i]; }
  const P& operator[](int i) const { return items[i]; }
  operator P*() { return items.data(); }
};

constexpr int triangle(int n) { return n * (n + 1) / 2; }
// Position of entry (a, b), b <= a, of a lower triangle held row by row.
constexpr int at(int a, int b) { return a * (a + 1) / 2 + b; }
constexpr int sym(int a, int b) { return a > b ? at(a, b) : at(b, a); }

}  // namespace HMLM_ISA
}  // namespace hmlm

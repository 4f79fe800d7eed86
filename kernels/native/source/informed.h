// Informed coordinates of eight groups at a time: effects u = L z and the log density of their coordinates.
//
// With O the first s rows of L, columns of the informing but unsampled effects first, A = I + O'FO = CC' and
// w = C^-1 O'(k - K beta); the last n entries (t) are the sampled ones: z = C_tt^-T (w_t + zeta), and the
// log density is -|z|^2 / 2 - sum log diag C_tt.
#pragma once
#include "pack.h"
#include "shapes.h"

namespace hmlm {
namespace HMLM_ISA {

// S = 0: any number of informing effects; else S of them.
template <class T, int S>
struct Informed {
  static constexpr int L = lanes_for(S > 0 ? S : 8);
  using P = Pack<T, L>;
  const InformedShape& shape;
  const InformedInput<T>& in;
  const int s, n, skip, Q;
  int64_t group = 0;
  Lanes<T, L> lanes{L};
  Array<T, room(S > 0, S * S)> order;  // O

  Informed(const InformedShape& a, const InformedInput<T>& b)
      : shape(a), in(b), s(S ? S : a.informing), n(a.sampled), skip(s - n), Q(a.total), order(s * s) {
    for (int row = 0; row < s; row++)
      for (int e = 0; e < s; e++) order[row * s + e] = in.factor[row * Q + place(e)];
  }

  HMLM_INLINE P load(const T* from, int64_t row) const { return P::load(from + row * shape.groups + group, lanes); }
  HMLM_INLINE void store(const P& pack, T* to, int64_t row) const { pack.store(to + row * shape.groups + group, lanes); }
  // Column of L that is column e of O: those of the sampled effects, which L has first, come last.
  int place(int e) const { return e < skip ? n + e : e - skip; }
  T ordered(int a, int e) const { return order[a * s + e]; }

  template <class Body>
  void each_block(Body body) {
    for (group = 0; group < shape.groups; group += L) {
      lanes = Lanes<T, L>(shape.groups - group);
      body();
    }
  }

  // k - K beta
  HMLM_INLINE void right_side(P* c) const {
    for (int a = 0; a < s; a++) {
      c[a] = load(in.score, a);
      for (int p = 0; p < shape.coefficients; p++) c[a] -= P(in.beta[p]) * load(in.cross, p * s + a);
    }
  }

  // F O
  HMLM_INLINE void information(P* half) const {
    for (int a = 0; a < s; a++) {
      for (int e = 0; e < s; e++) half[a * s + e] = P(T(0));
      for (int k = 0; k < s; k++) {
        const P f = load(in.precision, a * s + k);
        for (int e = 0; e < s; e++) half[a * s + e] += P(ordered(k, e)) * f;
      }
    }
  }

  // Writes u (Q, J), and for the gradient C with inverted diagonal, w and z.
  void forward(T* u, T* log_density, T* saved) {
    P total(T(0));
    LogProduct<T, L> determinant;
    Array<P, room(S > 0, S)> c(s), w(s), z(s);
    Array<P, room(S > 0, S * S)> half(s * s);
    Array<P, room(S > 0, triangle(S))> root(triangle(s));
    each_block([&] {
      right_side(c);
      information(half);
      for (int a = 0; a < s; a++) {
        for (int e = 0; e <= a; e++) {
          P sum(T(a == e));
          for (int k = 0; k < s; k++) sum += P(ordered(k, a)) * half[k * s + e];
          for (int k = 0; k < e; k++) sum -= root[at(a, k)] * root[at(e, k)];
          if (a == e) {
            if (a >= skip) determinant.multiply(sum);
            root[at(a, a)] = P(T(1)) / sqrt(sum);
          } else {
            root[at(a, e)] = sum * root[at(e, e)];
          }
        }
        P sum(T(0));
        for (int k = 0; k < s; k++) sum += P(ordered(k, a)) * c[k];
        for (int k = 0; k < a; k++) sum -= root[at(a, k)] * w[k];
        w[a] = sum * root[at(a, a)];
      }
      for (int a = s - 1; a >= skip; a--) {
        P sum = w[a] + load(in.zeta, a - skip);
        for (int k = a + 1; k < s; k++) sum -= root[at(k, a)] * z[k];
        z[a] = sum * root[at(a, a)];
        total -= P(T(0.5)) * z[a] * z[a];
      }
      for (int a = 0; a < Q; a++) {
        P sum(T(0));
        for (int k = 0; k < n; k++) sum += P(in.factor[a * Q + k]) * z[skip + k];
        store(sum, u, a);
      }
      int64_t row = 0;
      for (int i = 0; i < triangle(s); i++) store(root[i], saved, row++);
      for (int a = 0; a < s; a++) store(w[a], saved, row++);
      for (int a = skip; a < s; a++) store(z[a], saved, row++);
    });
    // Lanes without a group have F = k = zeta = 0 and add nothing.
    *log_density = total.sum() - T(0.5) * determinant.sum();
  }

  void backward(const T* saved, const T* u_bar, T weight, T* zeta_bar, T* factor_bar, T* beta_bar) {
    Array<P, room(S > 0, S)> c(s), w(s), z(s), z_bar(s), w_bar(s), b_bar(s), c_bar(s);
    Array<P, room(S > 0, S * S)> a_bar(s * s), half(s * s);
    Array<P, room(S > 0, triangle(S))> root(triangle(s)), root_bar(triangle(s));
    Packs<T, L> sum_factor(Q * Q), sum_ordered(s * s), sum_beta(shape.coefficients);
    each_block([&] {
      int64_t row = 0;
      for (int i = 0; i < triangle(s); i++) {
        root[i] = load(saved, row++);
        root_bar[i] = P(T(0));
      }
      for (int a = 0; a < s; a++) w[a] = load(saved, row++);
      for (int a = skip; a < s; a++) z[a] = load(saved, row++);
      right_side(c);
      information(half);
      for (int k = 0; k < n; k++) z_bar[skip + k] = P(-weight) * z[skip + k];
      for (int a = 0; a < Q; a++) {
        const P bar = load(u_bar, a);
        for (int k = 0; k < n; k++) {
          z_bar[skip + k] += P(in.factor[a * Q + k]) * bar;
          sum_factor[a * Q + k] += bar * z[skip + k];
        }
      }
      for (int a = 0; a < s; a++) w_bar[a] = P(T(0));
      for (int a = skip; a < s; a++) {  // C_tt' z = w_t + zeta
        P sum = z_bar[a];
        for (int k = skip; k < a; k++) sum -= root[at(a, k)] * w_bar[k];
        w_bar[a] = sum * root[at(a, a)];
        store(w_bar[a], zeta_bar, a - skip);
        for (int k = skip; k <= a; k++) root_bar[at(a, k)] -= z[a] * w_bar[k];
        root_bar[at(a, a)] -= P(weight) * root[at(a, a)];
      }
      for (int a = s - 1; a >= 0; a--) {  // C w = b
        P sum = w_bar[a];
        for (int k = a + 1; k < s; k++) sum -= root[at(k, a)] * b_bar[k];
        b_bar[a] = sum * root[at(a, a)];
        for (int k = 0; k <= a; k++) root_bar[at(a, k)] -= b_bar[a] * w[k];
      }
      backward_cholesky(root, root_bar);
      for (int a = 0; a < s; a++)
        for (int e = 0; e < s; e++)
          a_bar[a * s + e] = P(T(a == e ? 2 : 1)) * root_bar[sym(a, e)];
      for (int a = 0; a < s; a++) {
        c_bar[a] = P(T(0));
        for (int e = 0; e < s; e++) {
          c_bar[a] += P(ordered(a, e)) * b_bar[e];
          P sum = c[a] * b_bar[e];
          for (int k = 0; k < s; k++) sum += half[a * s + k] * a_bar[k * s + e];
          sum_ordered[a * s + e] += sum;
        }
        for (int p = 0; p < shape.coefficients; p++) sum_beta[p] -= c_bar[a] * load(in.cross, p * s + a);
      }
    });
    for (int i = 0; i < Q * Q; i++) factor_bar[i] = sum_factor[i].sum();
    for (int a = 0; a < s; a++)
      for (int e = 0; e < s; e++)
        factor_bar[a * Q + place(e)] += sum_ordered[a * s + e].sum();
    for (int p = 0; p < shape.coefficients; p++) beta_bar[p] = sum_beta[p].sum();
  }

  // The adjoint of A = CC' in the lower triangle of A, in place; `root` has its diagonal inverted.
  HMLM_INLINE void backward_cholesky(const P* root, P* bar) const {
    for (int b = s - 1; b >= 0; b--) {
      for (int a = s - 1; a > b; a--) {
        bar[at(a, b)] *= root[at(b, b)];
        bar[at(b, b)] -= bar[at(a, b)] * root[at(a, b)];
        for (int k = 0; k < b; k++) {
          bar[at(a, k)] -= bar[at(a, b)] * root[at(b, k)];
          bar[at(b, k)] -= bar[at(a, b)] * root[at(a, k)];
        }
      }
      bar[at(b, b)] *= P(T(0.5)) * root[at(b, b)];
      for (int k = 0; k < b; k++) bar[at(b, k)] -= P(T(2)) * bar[at(b, b)] * root[at(b, k)];
    }
  }
};

// Calls `body.template run<S>()` with the size at hand where it is unrolled, else with 0.
template <class Body, int S = HMLM_UNROLLED>
void with_size(int size, Body body) {
  if constexpr (S > 0) {
    if (size == S) return body.template run<S>();
    return with_size<Body, S - 1>(size, body);
  } else {
    return body.template run<0>();
  }
}

template <class T>
struct InformedCall {
  const InformedShape& shape;
  const InformedInput<T>& in;
  T *u, *log_density, *saved;

  template <int S>
  void run() {
    Informed<T, S>(shape, in).forward(u, log_density, saved);
  }
};

template <class T>
struct InformedGradientCall {
  const InformedShape& shape;
  const InformedInput<T>& in;
  const T *saved, *u_bar, *weight;
  T *zeta_bar, *factor_bar, *beta_bar;

  template <int S>
  void run() {
    Informed<T, S>(shape, in).backward(saved, u_bar, *weight, zeta_bar, factor_bar, beta_bar);
  }
};

template <class T>
void informed(const InformedShape& shape, const InformedInput<T>& in, T* u, T* log_density, T* saved) {
  with_size(shape.informing, InformedCall<T>{shape, in, u, log_density, saved});
}

template <class T>
void informed_gradient(const InformedShape& shape, const InformedInput<T>& in, const T* saved, const T* u_bar,
                       const T* weight, T* zeta_bar, T* factor_bar, T* beta_bar) {
  with_size(shape.informing,
            InformedGradientCall<T>{shape, in, saved, u_bar, weight, zeta_bar, factor_bar, beta_bar});
}

}  // namespace HMLM_ISA
}  // namespace hmlm

// Integrate the effects of eight groups out of their moments: value, and gradient in the moments.
//
// Moments X are of v = [Z / sigma; r / sigma], E = Q + M of them, held as a lower triangle. With P the inverse
// residual correlation, F_ab = P[o_a, o_b] X_ab, g_a = sum_m P[o_a, m] X_am, c = sum P_mn X_mn,
//     A = I + Lambda'F Lambda = CC',  w = Lambda'g,  x = A^-1 w
//     value = -c / 2 + w'x / 2 - log det A / 2, the log determinants as one product
// `slope` is H with d value / d v_i = H v_i for every row i that adds v_i v_i' to X (Fisher's identity).
#pragma once
#include "pack.h"

namespace hmlm {
namespace HMLM_ISA {

template <class T>
struct Model {  // what all groups share
  int effects, outcomes;
  const int* owner;          // outcome of every effect
  const T* precision;        // (M, M)
  const T* factor;           // (Q, Q) lower
};

template <class T, int L>
struct Slopes {  // of what all groups share, summed over groups
  Packs<T, L> factor, precision;
  explicit Slopes(int q, int m) : factor(q * q), precision(m * m) {}
};

// M = 0: any numbers of effects and outcomes; else Q and M of them.
template <class T, int Q, int M_, int L = kLanes>
struct Elimination {
  using P = Pack<T, L>;

  // `once` is 1 in the lanes that count, 0 in lanes that repeat another one's group.
  static constexpr bool known = M_ > 0;

  static HMLM_INLINE P run(const Model<T>& model, const P* moments, const P& once, P* slope, Slopes<T, L>& slopes,
                            LogProduct<T, L>& determinant) {
    const int q = known ? Q : model.effects, M = known ? M_ : model.outcomes, E = q + M;
    const T* R = model.precision;
    const T* F = model.factor;
    const auto o = [&](int a) { return M_ == 1 ? 0 : model.owner[a]; };
    Array<P, room(known, Q * Q)> half(q * q), spread(q * q), mean_second(q * q);
    Array<P, room(known, triangle(Q))> root(triangle(q)), inverse(triangle(q)), information(triangle(q));
    Array<P, room(known, Q * M_)> by_outcome(q * M);
    Array<P, room(known, Q)> score(q), white(q), x(q), mean(q), pivot(q);

    for (int a = 0; a < q; a++) {
      score[a] = P(T(0));
      for (int m = 0; m < M; m++) score[a] += P(R[o(a) * M + m]) * moments[at(q + m, a)];
    }
    for (int a = 0; a < q; a++)  // F, where there are several outcomes
      for (int e = 0; e <= a; e++)
        information[at(a, e)] = M == 1 ? moments[at(a, e)] : P(R[o(a) * M + o(e)]) * moments[at(a, e)];
    for (int a = 0; a < q; a++)  // F Lambda
      for (int e = 0; e < q; e++) {
        P sum(T(0));
        for (int k = e; k < q; k++) sum += P(F[k * q + e]) * information[sym(a, k)];
        half[a * q + e] = sum;
      }
    P det(T(1));
    for (int a = 0; a < q; a++) {  // A = C C'
      for (int e = 0; e <= a; e++) {
        P sum(T(a == e));
        for (int k = a; k < q; k++) sum += P(F[k * q + a]) * half[k * q + e];
        for (int k = 0; k < e; k++) sum -= root[at(a, k)] * root[at(e, k)];
        if (a == e) {
          det *= sum;
          root[at(a, a)] = sqrt(sum);
          pivot[a] = P(T(1)) / root[at(a, a)];
        } else {
          root[at(a, e)] = sum * pivot[e];
        }
      }
    }
    determinant.multiply(once * det + (P(T(1)) - once));
    P value(T(0));
    for (int a = 0; a < q; a++) {  // C^-1 and C^-1 w
      for (int e = 0; e < a; e++) {
        P sum(T(0));
        for (int k = e; k < a; k++) sum -= root[at(a, k)] * inverse[at(k, e)];
        inverse[at(a, e)] = sum * pivot[a];
      }
      inverse[at(a, a)] = pivot[a];
      P sum(T(0));
      for (int k = a; k < q; k++) sum += P(F[k * q + a]) * score[k];
      for (int k = 0; k < a; k++) sum -= root[at(a, k)] * white[k];
      white[a] = sum * pivot[a];
      value += P(T(0.5)) * white[a] * white[a];
    }
    for (int a = 0; a < q; a++) {
      x[a] = P(T(0));
      for (int k = a; k < q; k++) x[a] += inverse[at(k, a)] * white[k];
    }
    for (int a = 0; a < q; a++)  // A^-1 + x x'
      for (int e = 0; e <= a; e++) {
        P sum = x[a] * x[e];
        for (int k = a; k < q; k++) sum += inverse[at(k, a)] * inverse[at(k, e)];
        spread[a * q + e] = spread[e * q + a] = sum;
      }
    for (int a = 0; a < q; a++) {
      mean[a] = P(T(0));
      for (int k = 0; k <= a; k++) mean[a] += P(F[a * q + k]) * x[k];
      for (int e = 0; e < q; e++) {
        P sum(T(0));
        for (int k = 0; k <= a; k++) sum += P(F[a * q + k]) * spread[k * q + e];
        mean_second[a * q + e] = sum;
      }
    }
    for (int i = 0; i < q * M; i++) by_outcome[i] = P(T(0));
    for (int a = 0; a < q; a++) {
      for (int e = 0; e <= a; e++) {
        P sum = score[a] * x[e];
        for (int k = 0; k < q; k++) sum -= half[a * q + k] * spread[k * q + e];
        slopes.factor[a * q + e] += once * sum;
        P second(T(0));
        for (int k = 0; k <= e; k++) second += mean_second[a * q + k] * P(F[e * q + k]);
        slope[a * E + e] = slope[e * E + a] = P(-R[o(a) * M + o(e)]) * second;
        // Of V_ab X_ab, summed over the effects b of each outcome: the owners, known only now, as weights.
        const P part = P(T(-0.5)) * once * second * moments[at(a, e)];
        for (int m = 0; m < M; m++) {
          by_outcome[a * M + m] += P(T(o(e) == m)) * part;
          if (e < a) by_outcome[e * M + m] += P(T(o(a) == m)) * part;
        }
      }
      for (int m = 0; m < M; m++) {
        slope[a * E + q + m] = slope[(q + m) * E + a] = P(R[o(a) * M + m]) * mean[a];
        by_outcome[a * M + m] += once * mean[a] * moments[at(q + m, a)];
      }
    }
    for (int m = 0; m < M; m++)
      for (int n = 0; n < M; n++) {
        slope[(q + m) * E + q + n] = P(-R[m * M + n]);
        P part = P(T(-0.5)) * moments[sym(q + m, q + n)];
        value += P(R[m * M + n]) * part;
        part *= once;
        for (int a = 0; a < q; a++) part += P(T(o(a) == m)) * by_outcome[a * M + n];
        slopes.precision[m * M + n] += part;
      }
    return value;
  }
};

// Calls `body.template run<Q, M>()` with the sizes at hand where they are unrolled, else with <0, 0>.
template <class Body, int Q = HMLM_UNROLLED>
void with_sizes(int effects, int outcomes, Body body) {
  if constexpr (Q >= 0) {
    if (effects == Q && outcomes == 1) return body.template run<Q, 1>();
    if constexpr (Q == 2 || Q == 4 || Q == 6)
      if (effects == Q && outcomes == 2) return body.template run<Q, 2>();
    return with_sizes<Body, Q - 1>(effects, outcomes, body);
  } else {
    return body.template run<0, 0>();
  }
}

}  // namespace HMLM_ISA
}  // namespace hmlm

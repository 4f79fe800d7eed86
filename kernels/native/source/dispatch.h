// Which of the compiled instruction sets this processor runs.
#pragma once
#include "shapes.h"

#define HMLM_DECLARE(isa)                                                                                       \
  namespace hmlm {                                                                                              \
  namespace isa {                                                                                               \
  template <class T>                                                                                            \
  void rows(const RowShape&, const RowInput<T>&, RowOutput<T>&, int64_t, int64_t);                              \
  template <class T>                                                                                            \
  void cells(const CellShape&, const CellInput<T>&, CellOutput<T>&);                                            \
  template <class T>                                                                                            \
  void informed(const InformedShape&, const InformedInput<T>&, T*, T*, T*);                                     \
  template <class T>                                                                                            \
  void informed_gradient(const InformedShape&, const InformedInput<T>&, const T*, const T*, const T*, T*, T*, T*); \
  template <class T>                                                                                            \
  void glm(const GlmShape&, const GlmInput<T>&, GlmOutput<T>&, int64_t, int64_t);                               \
  template <class T>                                                                                            \
  Kernels<T> kernels() {                                                                                        \
    return {&rows<T>, &cells<T>, &informed<T>, &informed_gradient<T>, &glm<T>};                                 \
  }                                                                                                             \
  }                                                                                                             \
  }

HMLM_DECLARE(base)
#ifdef HMLM_X86
HMLM_DECLARE(v3)
HMLM_DECLARE(v4)
#endif

namespace hmlm {

enum Instructions { kBase = 0, kV3 = 1, kV4 = 2 };

inline Instructions best_instructions() {
#ifdef HMLM_X86
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("fma"))
    return kV4;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2")) return kV3;
#endif
  return kBase;
}

// Set once when the library is loaded; tests choose lesser ones.
inline Instructions& chosen_instructions() {
  static Instructions chosen = best_instructions();
  return chosen;
}

template <class T>
Kernels<T> chosen_kernels() {
#ifdef HMLM_X86
  if (chosen_instructions() == kV4) return v4::kernels<T>();
  if (chosen_instructions() == kV3) return v3::kernels<T>();
#endif
  return base::kernels<T>();
}

}  // namespace hmlm

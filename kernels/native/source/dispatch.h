// Which of the compiled instruction sets this processor runs.
#pragma once
#include "shapes.h"

#define HMLM_DECLARE(isa)            \
  namespace hmlm {                   \
  namespace isa {                    \
  Kernels<double> kernels_f64();     \
  Kernels<float> kernels_f32();      \
  }                                  \
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
struct Table;
template <>
struct Table<double> {
  static Kernels<double> get() {
#ifdef HMLM_X86
    if (chosen_instructions() == kV4) return v4::kernels_f64();
    if (chosen_instructions() == kV3) return v3::kernels_f64();
#endif
    return base::kernels_f64();
  }
};
template <>
struct Table<float> {
  static Kernels<float> get() {
#ifdef HMLM_X86
    if (chosen_instructions() == kV4) return v4::kernels_f32();
    if (chosen_instructions() == kV3) return v3::kernels_f32();
#endif
    return base::kernels_f32();
  }
};

}  // namespace hmlm

// Values by group of the eight lanes of a bundle of rows.
#pragma once
#include "pack.h"

namespace hmlm {
namespace HMLM_ISA {

// Whether one group fills all lanes.
HMLM_INLINE bool is_alone(const int32_t* group) { return group[0] >= 0 && group[0] == group[1]; }

// Each lane's group's values of (A, groups) numbers; zero in lanes that are empty.
template <class T>
void gather(const T* from, int64_t groups, const int32_t* group, Packs<T>& packs) {
  for (size_t a = 0; a < packs.size(); a++) {
    const T* row = from + a * groups;
    alignas(64) T values[kLanes];
    for (int lane = 0; lane < kLanes; lane++) values[lane] = group[lane] >= 0 ? row[group[lane]] : T(0);
    packs[a] = Pack<T>::load(values);
  }
}

// The way back; lanes of one group are added up.
template <class T>
void scatter(const Packs<T>& packs, int64_t groups, const int32_t* group, T* to) {
  const bool alone = is_alone(group);
  for (size_t a = 0; a < packs.size(); a++) {
    T* row = to + a * groups;
    if (alone) {
      row[group[0]] = packs[a].sum();
      continue;
    }
    alignas(64) T values[kLanes];
    packs[a].store(values);
    for (int lane = 0; lane < kLanes; lane++)
      if (group[lane] >= 0) row[group[lane]] = values[lane];
  }
}

}  // namespace HMLM_ISA
}  // namespace hmlm

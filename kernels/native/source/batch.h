// Leading axes that vmap adds: of every chain, where its part of an argument begins.
#pragma once
#include <cstdint>
#include <vector>

#include "xla/ffi/api/ffi.h"

namespace hmlm {

namespace ffi = xla::ffi;

// Chains of a call: results have all leading axes in full, arguments have as many, each in full or of length one.
class Batch {
 public:
  // From a result whose own shape has `rank` axes.
  template <class Buffer>
  Batch(const Buffer& result, int rank) {
    const auto dims = result.dimensions();
    axes_.assign(dims.begin(), dims.end() - rank);
  }

  int64_t size() const {
    int64_t out = 1;
    for (int64_t axis : axes_) out *= axis;
    return out;
  }

  // Pointer to a chain's part of an argument whose own shape has `rank` axes.
  template <class Buffer>
  auto at(Buffer& buffer, int rank, int64_t chain) const {
    const auto dims = buffer.dimensions();
    int64_t own = 1, offset = 0, stride = 1;
    const size_t leading = dims.size() - rank;
    for (size_t i = leading; i < dims.size(); i++) own *= dims[i];
    for (size_t i = leading; i-- > 0;) {
      const int64_t index = chain % axes_[i];
      chain /= axes_[i];
      if (dims[i] > 1) offset += index * stride;
      stride *= dims[i];
    }
    return buffer.typed_data() + offset * own;
  }

 private:
  std::vector<int64_t> axes_;
};

// Length of an argument's own axis, counted from the end.
template <class Buffer>
int64_t dimension(const Buffer& buffer, int from_end) {
  const auto dims = buffer.dimensions();
  return dims[dims.size() - from_end];
}

}  // namespace hmlm

// Leading axes that vmap adds: of every chain, where its part of an argument begins.
#pragma once
#include <cstdint>
#include <vector>

#include "xla/ffi/api/ffi.h"

namespace hmlm {

namespace ffi = xla::ffi;

// Chains of a call: all arguments carry the same number of leading axes, each as long as the batch or one.
class Batch {
 public:
  template <class Buffer>
  void add(const Buffer& buffer, int rank) {
    const auto dims = buffer.dimensions();
    const size_t leading = dims.size() - rank;
    if (axes_.size() < leading) axes_.resize(leading, 1);
    for (size_t i = 0; i < leading; i++)
      if (dims[i] > axes_[i]) axes_[i] = dims[i];
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

// Parts of a large problem on XLA's threads, the calling thread among them.
#pragma once
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>

#include "xla/ffi/api/ffi.h"

namespace hmlm {

// Runs `body(part)` for all parts. The caller works through them too and waits only for parts that another
// thread has begun, so a busy pool delays nothing and cannot deadlock.
template <class Body>
void parallel_for(xla::ffi::ThreadPool& pool, int64_t parts, Body body) {
  struct Shared {
    std::atomic<int64_t> next{0}, done{0};
    std::mutex mutex;
    std::condition_variable finished;
  };
  auto shared = std::make_shared<Shared>();
  auto work = [shared, parts](Body& run) {
    for (int64_t part; (part = shared->next.fetch_add(1)) < parts;) {
      run(part);
      if (shared->done.fetch_add(1) + 1 == parts) {
        std::lock_guard<std::mutex> lock(shared->mutex);
        shared->finished.notify_all();
      }
    }
  };
  const int64_t helpers = std::min<int64_t>(pool.num_threads(), parts) - 1;
  for (int64_t i = 0; i < helpers; i++)
    pool.Schedule([work, shared, parts, &body] {
      if (shared->next.load() < parts) work(body);
    });
  work(body);
  std::unique_lock<std::mutex> lock(shared->mutex);
  shared->finished.wait(lock, [&] { return shared->done.load() == parts; });
}

}  // namespace hmlm

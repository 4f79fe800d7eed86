// Entry points for XLA: arguments in, one kernel call per chain or part, plain C symbols out.
#include "batch.h"
#include "dispatch.h"
#include "parallel.h"

namespace hmlm {

using Integers = ffi::Buffer<ffi::S32>;
using Span = ffi::Span<const int64_t>;

constexpr int64_t kPart = 1 << 18;  // numbers read by one part of a large problem

// Several tasks side by side where they read enough numbers together, else one after another.
template <class Run>
void run_all(ffi::ThreadPool& pool, int64_t tasks, int64_t numbers, Run& run) {
  if (tasks > 1 && numbers > 2 * kPart) {
    parallel_for(pool, tasks, run);
  } else {
    for (int64_t task = 0; task < tasks; task++) run(task);
  }
}

// Terms as (outcome, column) pairs, those of a column's mean and scale coefficients joined.
RowShape row_shape(Span mean, Span scale, Span effects, int columns, int outcomes) {
  RowShape shape{};
  shape.columns = columns;
  shape.outcomes = outcomes;
  shape.means = mean.size() / 2;
  shape.scales = scale.size() / 2;
  shape.effects = effects.size() / 2;
  shape.both.resize(outcomes);
  shape.mean_only.resize(outcomes);
  shape.scale_only.resize(outcomes);
  std::vector<bool> joined(shape.scales, false);
  for (int a = 0; a < shape.means; a++) {
    const int outcome = mean[2 * a], column = mean[2 * a + 1];
    int partner = -1;
    for (int b = 0; b < shape.scales && partner < 0; b++)
      if (!joined[b] && scale[2 * b] == outcome && scale[2 * b + 1] == column) partner = b;
    if (partner >= 0) joined[partner] = true;
    auto& terms = partner >= 0 ? shape.both : shape.mean_only;
    terms[outcome].push_back({column, a, partner});
  }
  for (int b = 0; b < shape.scales; b++)
    if (!joined[b]) shape.scale_only[scale[2 * b]].push_back({int(scale[2 * b + 1]), -1, b});
  for (int a = 0; a < shape.effects; a++) {
    shape.owner.push_back(effects[2 * a]);
    shape.column.push_back(effects[2 * a + 1]);
  }
  return shape;
}

// What the parts of one chain add up: kept apart and summed in order, so that results do not depend on threads.
template <class T>
struct Partial {
  std::vector<T> numbers;
  Partial(int q, int m) : numbers(1 + m * m + q * q, T(0)) {}
  T* value() { return numbers.data(); }
  T* precision() { return numbers.data() + 1; }
  T* factor(int m) { return numbers.data() + 1 + m * m; }
};

template <ffi::DataType D>
ffi::Error Rows(ffi::ThreadPool pool, ffi::Buffer<D> columns, ffi::Buffer<D> outcomes, Integers start, Integers group,
                ffi::Buffer<D> mean, ffi::Buffer<D> scale, ffi::Buffer<D> precision, ffi::Buffer<D> factor,
                ffi::Buffer<D> offset, Span mean_terms, Span scale_terms, Span effects, ffi::ResultBuffer<D> value,
                ffi::ResultBuffer<D> d_mean, ffi::ResultBuffer<D> d_scale, ffi::ResultBuffer<D> d_precision,
                ffi::ResultBuffer<D> d_factor, ffi::ResultBuffer<D> d_offset) {
  using T = ffi::NativeType<D>;
  const Batch batch(*value, 0);
  RowShape shape = row_shape(mean_terms, scale_terms, effects, dimension(columns, 2), dimension(outcomes, 2));
  shape.groups = dimension(mean, 1);
  shape.bundles = dimension(group, 2);
  shape.rows = dimension(columns, 3);
  const bool has_offset = dimension(offset, 1) > 0;
  const int M = shape.outcomes, q = shape.effects;
  const int64_t chains = batch.size();
  const int64_t numbers = shape.rows * 8 * (shape.columns + M);
  const int64_t parts = std::max<int64_t>(1, std::min(shape.bundles, numbers / kPart));
  std::vector<Partial<T>> partial(chains * parts, Partial<T>(q, M));
  const auto kernel = chosen_kernels<T>().rows;
  auto run = [&](int64_t task) {
    const int64_t part = task / chains, chain = task % chains;
    RowInput<T> in{batch.at(columns, 3, chain), batch.at(outcomes, 3, chain), batch.at(start, 1, chain),
                   batch.at(group, 2, chain),   batch.at(mean, 2, chain),     batch.at(scale, 2, chain),
                   batch.at(precision, 2, chain), batch.at(factor, 2, chain),
                   has_offset ? batch.at(offset, 4, chain) : nullptr};
    Partial<T>& sums = partial[chain * parts + part];
    RowOutput<T> out{sums.value(), batch.at(*d_mean, 2, chain), batch.at(*d_scale, 2, chain), sums.precision(),
                     sums.factor(M), has_offset ? batch.at(*d_offset, 4, chain) : nullptr};
    kernel(shape, in, out, shape.bundles * part / parts, shape.bundles * (part + 1) / parts);
  };
  run_all(pool, chains * parts, numbers * chains, run);
  for (int64_t chain = 0; chain < chains; chain++) {
    Partial<T> sums(q, M);
    for (int64_t part = 0; part < parts; part++)
      for (size_t i = 0; i < sums.numbers.size(); i++) sums.numbers[i] += partial[chain * parts + part].numbers[i];
    *batch.at(*value, 0, chain) = *sums.value();
    std::copy_n(sums.precision(), M * M, batch.at(*d_precision, 2, chain));
    std::copy_n(sums.factor(M), q * q, batch.at(*d_factor, 2, chain));
  }
  return ffi::Error::Success();
}

template <ffi::DataType D>
ffi::Error Cells(ffi::ThreadPool pool, ffi::Buffer<D> count, ffi::Buffer<D> basis, ffi::Buffer<D> mixed,
                 ffi::Buffer<D> varying, ffi::Buffer<D> residual, ffi::Buffer<D> shift, ffi::Buffer<D> log_sigma,
                 ffi::Buffer<D> precision, ffi::Buffer<D> factor, Span effects, int64_t groups,
                 ffi::ResultBuffer<D> value, ffi::ResultBuffer<D> d_residual, ffi::ResultBuffer<D> d_shift,
                 ffi::ResultBuffer<D> d_log_sigma, ffi::ResultBuffer<D> d_precision, ffi::ResultBuffer<D> d_factor) {
  using T = ffi::NativeType<D>;
  const Batch batch(*value, 0);
  CellShape shape{};
  shape.basis = dimension(residual, 2);
  shape.outcomes = dimension(residual, 1);
  shape.effects = effects.size();
  shape.owner.assign(effects.begin(), effects.end());
  const int64_t cells = dimension(count, 1);
  shape.groups = groups;
  shape.per_group = cells / groups;
  shape.shifted = dimension(shift, 1) > 0;
  shape.constant = dimension(log_sigma, 1) == 1;
  shape.whole = shape.constant && !shape.shifted && dimension(basis, 1) == 1;
  const auto kernel = chosen_kernels<T>().cells;
  auto run = [&](int64_t chain) {
    CellInput<T> in{batch.at(count, 1, chain),     batch.at(basis, 3, chain),  batch.at(mixed, 3, chain),
                    batch.at(varying, 3, chain),   batch.at(residual, 2, chain), shape.shifted ? batch.at(shift, 2, chain) : nullptr,
                    batch.at(log_sigma, 2, chain), batch.at(precision, 2, chain), batch.at(factor, 2, chain)};
    CellOutput<T> out{batch.at(*value, 0, chain),       batch.at(*d_residual, 2, chain),
                      shape.shifted ? batch.at(*d_shift, 2, chain) : nullptr, batch.at(*d_log_sigma, 2, chain),
                      batch.at(*d_precision, 2, chain), batch.at(*d_factor, 2, chain)};
    kernel(shape, in, out);
  };
  const int64_t chains = batch.size();
  const int64_t numbers = cells * shape.effects * (shape.basis + shape.effects);
  run_all(pool, chains, numbers * chains, run);
  return ffi::Error::Success();
}

// Parts of a chain's bundles are summed in order, so that results do not depend on threads.
template <ffi::DataType D>
ffi::Error Glm(ffi::ThreadPool pool, ffi::Buffer<D> columns, ffi::Buffer<D> outcomes, ffi::Buffer<D> sizes,
               Integers start, Integers group, ffi::Buffer<D> coefficients, Span terms, int64_t link,
               ffi::ResultBuffer<D> value, ffi::ResultBuffer<D> d_coefficients) {
  using T = ffi::NativeType<D>;
  const Batch batch(*value, 0);
  GlmShape shape{link, int(dimension(columns, 2)), dimension(coefficients, 1), dimension(group, 2),
                 dimension(columns, 3), std::vector<int>(terms.begin(), terms.end())};
  const int64_t chains = batch.size(), numbers = shape.rows * 8 * (shape.columns + 2);
  const int64_t parts = std::max<int64_t>(1, std::min(shape.bundles, numbers / kPart));
  std::vector<T> partial(chains * parts, T(0));
  const auto kernel = chosen_kernels<T>().glm;
  auto run = [&](int64_t task) {
    const int64_t part = task / chains, chain = task % chains;
    GlmInput<T> in{batch.at(columns, 3, chain), batch.at(outcomes, 2, chain), batch.at(sizes, 2, chain),
                   batch.at(start, 1, chain),   batch.at(group, 2, chain),    batch.at(coefficients, 2, chain)};
    GlmOutput<T> out{&partial[chain * parts + part], batch.at(*d_coefficients, 2, chain)};
    kernel(shape, in, out, shape.bundles * part / parts, shape.bundles * (part + 1) / parts);
  };
  run_all(pool, chains * parts, numbers * chains, run);
  for (int64_t chain = 0; chain < chains; chain++) {
    T sum = 0;
    for (int64_t part = 0; part < parts; part++) sum += partial[chain * parts + part];
    *batch.at(*value, 0, chain) = sum;
  }
  return ffi::Error::Success();
}

template <class B>
InformedShape informed_shape(const B& zeta, const B& factor, const B& score, const B& beta) {
  InformedShape shape{};
  shape.total = dimension(factor, 1);
  shape.informing = dimension(score, 2);
  shape.sampled = dimension(zeta, 2);
  shape.coefficients = dimension(beta, 1);
  shape.groups = dimension(zeta, 1);
  return shape;
}

template <class T, class B>
InformedInput<T> informed_input(const Batch& batch, int64_t chain, B& zeta, B& factor, B& beta, B& precision, B& score,
                                B& cross) {
  return {batch.at(zeta, 2, chain),      batch.at(factor, 2, chain), batch.at(beta, 1, chain),
          batch.at(precision, 3, chain), batch.at(score, 2, chain),  batch.at(cross, 3, chain)};
}

template <ffi::DataType D>
ffi::Error InformedForward(ffi::Buffer<D> zeta, ffi::Buffer<D> factor, ffi::Buffer<D> beta, ffi::Buffer<D> precision,
                           ffi::Buffer<D> score, ffi::Buffer<D> cross, ffi::ResultBuffer<D> u,
                           ffi::ResultBuffer<D> log_density, ffi::ResultBuffer<D> saved) {
  using T = ffi::NativeType<D>;
  const Batch batch(*log_density, 0);
  const auto shape = informed_shape(zeta, factor, score, beta);
  const auto kernel = chosen_kernels<T>().informed;
  for (int64_t chain = 0; chain < batch.size(); chain++) {
    const auto in = informed_input<T>(batch, chain, zeta, factor, beta, precision, score, cross);
    kernel(shape, in, batch.at(*u, 2, chain), batch.at(*log_density, 0, chain), batch.at(*saved, 2, chain));
  }
  return ffi::Error::Success();
}

template <ffi::DataType D>
ffi::Error InformedGradient(ffi::Buffer<D> zeta, ffi::Buffer<D> factor, ffi::Buffer<D> beta, ffi::Buffer<D> precision,
                            ffi::Buffer<D> score, ffi::Buffer<D> cross, ffi::Buffer<D> saved, ffi::Buffer<D> u_bar,
                            ffi::Buffer<D> weight, ffi::ResultBuffer<D> d_zeta, ffi::ResultBuffer<D> d_factor,
                            ffi::ResultBuffer<D> d_beta) {
  using T = ffi::NativeType<D>;
  const Batch batch(*d_zeta, 2);
  const auto shape = informed_shape(zeta, factor, score, beta);
  const auto kernel = chosen_kernels<T>().informed_gradient;
  for (int64_t chain = 0; chain < batch.size(); chain++) {
    const auto in = informed_input<T>(batch, chain, zeta, factor, beta, precision, score, cross);
    kernel(shape, in, batch.at(saved, 2, chain), batch.at(u_bar, 2, chain), batch.at(weight, 0, chain),
           batch.at(*d_zeta, 2, chain), batch.at(*d_factor, 2, chain), batch.at(*d_beta, 1, chain));
  }
  return ffi::Error::Success();
}

}  // namespace hmlm

#define HMLM_ARG(D) .Arg<hmlm::ffi::Buffer<D>>()
#define HMLM_RET(D) .Ret<hmlm::ffi::Buffer<D>>()
#define HMLM_ENTRIES(D, suffix)                                                                                   \
  XLA_FFI_DEFINE_HANDLER_SYMBOL(                                                                                  \
      hmlm_rows_##suffix, (hmlm::Rows<D>),                                                                        \
      hmlm::ffi::Ffi::Bind().Ctx<hmlm::ffi::ThreadPool>() HMLM_ARG(D) HMLM_ARG(D).Arg<hmlm::Integers>()           \
          .Arg<hmlm::Integers>() HMLM_ARG(D) HMLM_ARG(D) HMLM_ARG(D) HMLM_ARG(D) HMLM_ARG(D)                      \
          .Attr<hmlm::Span>("mean").Attr<hmlm::Span>("scale").Attr<hmlm::Span>("effects") HMLM_RET(D) HMLM_RET(D) \
              HMLM_RET(D) HMLM_RET(D) HMLM_RET(D) HMLM_RET(D));                                                   \
  XLA_FFI_DEFINE_HANDLER_SYMBOL(                                                                                  \
      hmlm_cells_##suffix, (hmlm::Cells<D>),                                                                      \
      hmlm::ffi::Ffi::Bind().Ctx<hmlm::ffi::ThreadPool>() HMLM_ARG(D) HMLM_ARG(D) HMLM_ARG(D) HMLM_ARG(D)         \
          HMLM_ARG(D) HMLM_ARG(D) HMLM_ARG(D) HMLM_ARG(D) HMLM_ARG(D).Attr<hmlm::Span>("effects")                 \
          .Attr<int64_t>("groups") HMLM_RET(D) HMLM_RET(D) HMLM_RET(D) HMLM_RET(D) HMLM_RET(D) HMLM_RET(D));      \
  XLA_FFI_DEFINE_HANDLER_SYMBOL(                                                                                  \
      hmlm_informed_##suffix, (hmlm::InformedForward<D>),                                                         \
      hmlm::ffi::Ffi::Bind() HMLM_ARG(D) HMLM_ARG(D) HMLM_ARG(D) HMLM_ARG(D) HMLM_ARG(D) HMLM_ARG(D) HMLM_RET(D)  \
          HMLM_RET(D) HMLM_RET(D));                                                                               \
  XLA_FFI_DEFINE_HANDLER_SYMBOL(                                                                                  \
      hmlm_informed_gradient_##suffix, (hmlm::InformedGradient<D>),                                               \
      hmlm::ffi::Ffi::Bind() HMLM_ARG(D) HMLM_ARG(D) HMLM_ARG(D) HMLM_ARG(D) HMLM_ARG(D) HMLM_ARG(D) HMLM_ARG(D)  \
          HMLM_ARG(D) HMLM_ARG(D) HMLM_RET(D) HMLM_RET(D) HMLM_RET(D));                                           \
  XLA_FFI_DEFINE_HANDLER_SYMBOL(                                                                                  \
      hmlm_glm_##suffix, (hmlm::Glm<D>),                                                                          \
      hmlm::ffi::Ffi::Bind().Ctx<hmlm::ffi::ThreadPool>() HMLM_ARG(D) HMLM_ARG(D) HMLM_ARG(D)                     \
          .Arg<hmlm::Integers>().Arg<hmlm::Integers>() HMLM_ARG(D).Attr<hmlm::Span>("terms")                      \
          .Attr<int64_t>("link") HMLM_RET(D) HMLM_RET(D))

HMLM_ENTRIES(hmlm::ffi::F64, f64);
HMLM_ENTRIES(hmlm::ffi::F32, f32);

// Version of the interface in the headers that this was compiled with, which XLA must know: 1000 major + minor.
extern "C" int hmlm_interface() { return 1000 * XLA_FFI_API_MAJOR + XLA_FFI_API_MINOR; }

// Instruction set in use: 0 what every processor of this architecture has, 1 AVX2, 2 AVX-512. A non-negative
// argument asks for a lesser one; the best there is stays the limit.
extern "C" int hmlm_instructions(int wanted) {
  const int best = hmlm::best_instructions();
  if (wanted >= 0) hmlm::chosen_instructions() = static_cast<hmlm::Instructions>(wanted < best ? wanted : best);
  return hmlm::chosen_instructions();
}

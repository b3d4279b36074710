#include "core/linalg/linalg.hpp"

#include <cblas.h>
#include <lapacke.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>

namespace isorbit::core {
namespace {

std::string shape_text(std::size_t rows, std::size_t cols) {
  return "[" + std::to_string(rows) + ", " + std::to_string(cols) + "]";
}

// Refuses sizes that disagree and sizes that LAPACK's 32-bit integers cannot address.
void check_size(const char* what, std::size_t found, std::size_t rows, std::size_t cols) {
  const auto limit = static_cast<std::size_t>(std::numeric_limits<lapack_int>::max());
  if (rows > limit || cols > limit || (rows != 0 && cols > limit / rows))
    throw std::invalid_argument(std::string(what) + ": found a matrix " + shape_text(rows, cols) +
                                "; expected at most " + std::to_string(limit) + " entries");
  if (found != rows * cols)
    throw std::invalid_argument(std::string(what) + ": found " + std::to_string(found) +
                                " entries; expected " + std::to_string(rows * cols) + " for a matrix " +
                                shape_text(rows, cols));
}

template <typename T>
bool all_finite(std::span<const T> values) {
  return std::all_of(values.begin(), values.end(), [](T x) { return std::isfinite(x); });
}

// dgesdd on a row-major matrix read as its column-major transpose: w = u s vt is w^T = v s u^T, so LAPACK's
// left factor is vt and its right factor is u, with no transposition at all. `vectors` is 'N' (none) or 'S'
// (thin).
void gesdd(char vectors, std::vector<double>& a, lapack_int rows, lapack_int cols, double* s, double* u,
           double* vt) {
  use_one_blas_thread();
  const lapack_int rank = std::min(rows, cols);
  const lapack_int info = LAPACKE_dgesdd(LAPACK_COL_MAJOR, vectors, cols, rows, a.data(), cols, s, vt, cols,
                                         u, vectors == 'N' ? 1 : rank);
  if (info != 0)
    throw std::domain_error("singular values of a matrix " + shape_text(rows, cols) +
                            ": LAPACK's dgesdd did not converge (info " + std::to_string(info) + ")");
}

/// The upper triangle R of a matrix W = Q R [rows, cols] much longer than wide (or of its transpose), by
/// Cholesky QR done twice (Fukaya et al., "CholeskyQR2", ScalA 2014):
///   R1^T R1 = W^T W,   Q1 = W R1^-1,   R2^T R2 = Q1^T Q1,   R = R2 R1
/// as accurate as Householder's where Q1 came out nearly orthonormal, which is checked; three times as fast,
/// since all of it is products of blocks that stay in the cache. Else nothing.
class CholeskyQr {
 public:
  template <typename T>
  CholeskyQr(std::span<const T> w, std::size_t rows, std::size_t cols)
      : long_(std::max(rows, cols)), thin_(std::min(rows, cols)) {
    // Rows [first, first + count) of the long side, in double.
    load_ = [w, cols, tall = rows >= cols, thin = thin_](std::size_t first, std::size_t count, double* to) {
      for (std::size_t i = 0; i < count; ++i)
        for (std::size_t j = 0; j < thin; ++j)
          to[i * thin + j] = tall ? w[(first + i) * cols + j] : w[j * cols + first + i];
    };
  }

  /// R [thin, thin], row-major, zeros below the diagonal.
  [[nodiscard]] std::optional<std::vector<double>> triangle() const {
    const auto n = static_cast<int>(thin_);
    std::vector<double> first = gram(nullptr);
    if (!factor(first)) return {};
    std::vector<double> second = gram(first.data());
    if (!nearly_identity(second) || !factor(second)) return {};
    cblas_dtrmm(CblasRowMajor, CblasRight, CblasUpper, CblasNoTrans, CblasNonUnit, n, n, 1, first.data(), n,
                second.data(), n);
    return second;
  }

 private:
  /// W^T W, or with a triangle R (W R^-1)^T (W R^-1); the upper half of it.
  [[nodiscard]] std::vector<double> gram(const double* r) const {
    constexpr std::size_t kRows = 256;
    const auto n = static_cast<int>(thin_);
    std::vector<double> out(thin_ * thin_), block(kRows * thin_);
    for (std::size_t at = 0; at < long_; at += kRows) {
      const std::size_t count = std::min(kRows, long_ - at);
      const auto m = static_cast<int>(count);
      load_(at, count, block.data());
      if (r != nullptr)
        cblas_dtrsm(CblasRowMajor, CblasRight, CblasUpper, CblasNoTrans, CblasNonUnit, m, n, 1, r, n,
                    block.data(), n);
      cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, n, m, 1, block.data(), n, 1, out.data(), n);
    }
    return out;
  }

  /// Gram matrix to its Cholesky factor R, R^T R = G; false where it is not positive definite.
  [[nodiscard]] bool factor(std::vector<double>& g) const {
    // Row-major upper is column-major lower: G = L L^T with L = R^T.
    const auto n = static_cast<lapack_int>(thin_);
    if (LAPACKE_dpotrf(LAPACK_COL_MAJOR, 'L', n, g.data(), n) != 0) return false;
    for (std::size_t i = 0; i < thin_; ++i)
      for (std::size_t j = 0; j < i; ++j) g[i * thin_ + j] = 0;
    return true;
  }

  [[nodiscard]] bool nearly_identity(const std::vector<double>& g) const {
    double squares = 0;
    for (std::size_t i = 0; i < thin_; ++i) {
      squares += (g[i * thin_ + i] - 1) * (g[i * thin_ + i] - 1);
      for (std::size_t j = i + 1; j < thin_; ++j) squares += 2 * g[i * thin_ + j] * g[i * thin_ + j];
    }
    return squares < 1e-2;  // the square of the Frobenius norm; false for NaN
  }

  std::size_t long_, thin_;
  std::function<void(std::size_t, std::size_t, double*)> load_;
};

template <typename T>
std::vector<double> values_only(std::span<const T> w, std::size_t rows, std::size_t cols) {
  check_size("singular_values", w.size(), rows, cols);
  std::vector<double> s(std::min(rows, cols), std::numeric_limits<double>::quiet_NaN());
  if (s.empty() || !all_finite(w)) return s;
  use_one_blas_thread();
  std::vector<double> a;
  if (std::max(rows, cols) >= 2 * s.size()) {
    if (auto triangle = CholeskyQr(w, rows, cols).triangle()) {
      a = std::move(*triangle);
      rows = cols = s.size();
    }
  }
  if (a.empty()) a.assign(w.begin(), w.end());
  double unused = 0;
  gesdd('N', a, static_cast<lapack_int>(rows), static_cast<lapack_int>(cols), s.data(), &unused, &unused);
  return s;
}

template <typename T>
Svd thin_svd(std::span<const T> w, std::size_t rows, std::size_t cols) {
  check_size("svd", w.size(), rows, cols);
  if (!all_finite(w))
    throw std::domain_error("svd of a matrix " + shape_text(rows, cols) +
                            ": found an entry that is not finite");
  Svd out{rows, cols, std::min(rows, cols), {}, {}, {}};
  out.u.resize(rows * out.rank);
  out.s.resize(out.rank);
  out.vt.resize(out.rank * cols);
  if (out.rank == 0) return out;
  std::vector<double> a(w.begin(), w.end());
  gesdd('S', a, static_cast<lapack_int>(rows), static_cast<lapack_int>(cols), out.s.data(), out.u.data(),
        out.vt.data());
  return out;
}

template <typename T>
void invert(std::span<const T> in, std::span<T> out, std::size_t n) {
  check_size("inverse", in.size(), n, n);
  check_size("inverse", out.size(), n, n);
  if (n == 0) return;
  if (!all_finite(in)) throw std::domain_error("inverse: found an entry that is not finite");
  use_one_blas_thread();
  std::vector<double> a(in.begin(), in.end());
  std::vector<lapack_int> pivots(n);
  const auto size = static_cast<lapack_int>(n);
  // Row-major in, row-major out: the transpose of the inverse is the inverse of the transpose.
  lapack_int info = LAPACKE_dgetrf(LAPACK_COL_MAJOR, size, size, a.data(), size, pivots.data());
  if (info == 0) info = LAPACKE_dgetri(LAPACK_COL_MAJOR, size, a.data(), size, pivots.data());
  if (info != 0 || !all_finite(std::span<const double>(a)))
    throw std::domain_error("inverse of a matrix " + shape_text(n, n) + ": it is singular" +
                            (info > 0 ? " (pivot " + std::to_string(info) + " is zero)" : ""));
  std::transform(a.begin(), a.end(), out.begin(), [](double x) { return static_cast<T>(x); });
}

}  // namespace

void use_one_blas_thread() {
  if (openblas_get_num_threads() != 1) openblas_set_num_threads(1);
}

std::vector<double> singular_values(std::span<const float> w, std::size_t rows, std::size_t cols) {
  return values_only(w, rows, cols);
}
std::vector<double> singular_values(std::span<const double> w, std::size_t rows, std::size_t cols) {
  return values_only(w, rows, cols);
}

Svd svd(std::span<const float> w, std::size_t rows, std::size_t cols) { return thin_svd(w, rows, cols); }
Svd svd(std::span<const double> w, std::size_t rows, std::size_t cols) { return thin_svd(w, rows, cols); }

void row_products(std::span<const double> a, std::span<const double> b, std::size_t cols,
                  std::span<double> out) {
  if (cols == 0 || a.size() % cols != 0 || b.size() % cols != 0)
    throw std::invalid_argument("row_products: found " + std::to_string(a.size()) + " and " +
                                std::to_string(b.size()) + " entries; expected whole rows of " +
                                std::to_string(cols));
  const std::size_t m = a.size() / cols, n = b.size() / cols;
  check_size("row_products", out.size(), m, n);
  if (out.empty()) return;
  use_one_blas_thread();
  const auto columns = static_cast<int>(cols), width = static_cast<int>(n);
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, static_cast<int>(m), width, columns, 1, a.data(),
              columns, b.data(), columns, 0, out.data(), width);
}

void inverse(std::span<const double> in, std::span<double> out, std::size_t n) { invert(in, out, n); }
void inverse(std::span<const float> in, std::span<float> out, std::size_t n) { invert(in, out, n); }

std::vector<double> random_orthogonal(std::size_t rows, std::size_t cols, const Philox& random) {
  const std::size_t tall = std::max(rows, cols), thin = std::min(rows, cols);
  check_size("random_orthogonal", rows * cols, rows, cols);
  if (thin == 0) return {};
  use_one_blas_thread();
  std::vector<double> a(tall * thin), tau(thin);  // column-major [tall, thin]
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = random.normal(i);
  const auto m = static_cast<lapack_int>(tall), n = static_cast<lapack_int>(thin);
  std::vector<double> sign(thin);
  lapack_int info = LAPACKE_dgeqrf(LAPACK_COL_MAJOR, m, n, a.data(), m, tau.data());
  for (std::size_t j = 0; j < thin; ++j) sign[j] = a[j * tall + j] < 0 ? -1 : 1;
  if (info == 0) info = LAPACKE_dorgqr(LAPACK_COL_MAJOR, m, n, n, a.data(), m, tau.data());
  if (info != 0)
    throw std::domain_error("random_orthogonal: LAPACK failed (info " + std::to_string(info) + ")");
  for (std::size_t j = 0; j < thin; ++j)
    for (std::size_t i = 0; i < tall; ++i) a[j * tall + i] *= sign[j];
  if (rows < cols) return a;  // column-major [cols, rows] is row-major [rows, cols]
  std::vector<double> q(rows * cols);
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < cols; ++j) q[i * cols + j] = a[j * rows + i];
  return q;
}

}  // namespace isorbit::core

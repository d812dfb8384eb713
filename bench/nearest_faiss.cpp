// FAISS's inverted files as Debian packages them. Compiled when libfaiss-dev is there.
#include <faiss/IndexFlat.h>
#include <faiss/IndexIVFFlat.h>
#include <faiss/IndexScalarQuantizer.h>
#include <fmt/core.h>
#include <omp.h>

#include "bench/nearest_contest.h"

namespace aface::bench {
namespace {

constexpr std::size_t kProbes[] = {1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256};

class FaissFile : public Contestant {
 public:
  FaissFile(bool eight_bit, std::size_t lists, int threads) : eight_bit_(eight_bit), lists_(lists), threads_(threads) {}

  std::string name() const override { return eight_bit_ ? "FAISS IVF SQ8 (Debian)" : "FAISS IVFFlat (Debian)"; }
  std::string setting() const override { return fmt::format("nlist {}, nprobe {}", lists_, probes_); }
  std::size_t effort_count() const override { return std::size(kProbes); }
  void set_effort(std::size_t level) override {
    probes_ = kProbes[level];
    index_->nprobe = probes_;
  }

  void build(RowMatrix rows) override {
    omp_set_num_threads(threads_);
    quantiser_ = std::make_unique<faiss::IndexFlatIP>(static_cast<faiss::Index::idx_t>(rows.dim));
    if (eight_bit_) {
      index_ = std::make_unique<faiss::IndexIVFScalarQuantizer>(quantiser_.get(), rows.dim, lists_,
                                                                faiss::ScalarQuantizer::QT_8bit,
                                                                faiss::METRIC_INNER_PRODUCT);
    } else {
      index_ = std::make_unique<faiss::IndexIVFFlat>(quantiser_.get(), rows.dim, lists_, faiss::METRIC_INNER_PRODUCT);
    }
    index_->cp.spherical = true;
    const auto count = static_cast<faiss::Index::idx_t>(rows.rows);
    index_->train(count, rows.data);
    index_->add(count, rows.data);
    index_->set_direct_map_type(faiss::DirectMap::Array);  // what updates in place need
  }

  void update(Span<const std::int32_t> ids, RowMatrix rows) override {
    omp_set_num_threads(threads_);
    const std::vector<faiss::Index::idx_t> keys(ids.begin(), ids.end());
    index_->update_vectors(static_cast<int>(keys.size()), keys.data(), rows.data);
  }

  std::vector<std::int32_t> search(RowMatrix queries, std::size_t count) const override {
    omp_set_num_threads(threads_);
    std::vector<faiss::Index::idx_t> ids(queries.rows * count);
    std::vector<float> scores(ids.size());
    index_->search(static_cast<faiss::Index::idx_t>(queries.rows), queries.data, static_cast<faiss::Index::idx_t>(count),
                   scores.data(), ids.data());
    return {ids.begin(), ids.end()};
  }

 private:
  bool eight_bit_;
  std::size_t lists_;
  int threads_;
  std::size_t probes_ = 1;
  std::unique_ptr<faiss::IndexFlatIP> quantiser_;
  std::unique_ptr<faiss::IndexIVF> index_;
};

}  // namespace

std::vector<std::unique_ptr<Contestant>> faiss_contestants(std::size_t rows, int threads) {
  std::vector<std::unique_ptr<Contestant>> all;
  for (const bool eight_bit : {false, true}) {
    for (std::size_t lists = 512; lists <= 2048 && 32 * lists <= rows; lists *= 2) {
      all.push_back(std::make_unique<FaissFile>(eight_bit, lists, threads));
    }
  }
  return all;
}

}  // namespace aface::bench

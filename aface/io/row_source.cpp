#include "aface/io/row_source.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "aface/core/error.h"
#include "aface/core/mapped_file.h"
#include "aface/io/feature_file.h"
#include "aface/io/npy.h"

namespace aface {
namespace {

class MappedRows : public RowSource {
 public:
  MappedRows(const std::string& path, const NpyHeader& header)
      : file_(path),
        rows_{reinterpret_cast<const float*>(file_.data() + header.data_offset),
              static_cast<std::size_t>(header.shape[0]), static_cast<std::size_t>(header.shape[1])} {}
  std::size_t rows() const override { return rows_.rows; }
  std::size_t dim() const override { return rows_.dim; }
  RowMatrix read(std::size_t begin, std::size_t end, std::vector<float>&) const override {
    return {rows_.row(begin), end - begin, rows_.dim};
  }

 private:
  MappedFile file_;
  RowMatrix rows_;
};

class ConvertedRows : public RowSource {
 public:
  explicit ConvertedRows(NpyMatrix matrix) : matrix_(std::move(matrix)) {}
  std::size_t rows() const override { return matrix_.view().rows; }
  std::size_t dim() const override { return matrix_.view().dim; }
  RowMatrix read(std::size_t begin, std::size_t end, std::vector<float>&) const override {
    return {matrix_.view().row(begin), end - begin, dim()};
  }

 private:
  NpyMatrix matrix_;
};

class FeatureFolder : public RowSource {
 public:
  FeatureFolder(std::string folder, const std::vector<std::string>& names, std::string suffix)
      : folder_(std::move(folder)), names_(names), suffix_(std::move(suffix)) {
    if (!names_.empty()) dim_ = read_feature_file(path_of(0)).size();
  }
  std::size_t rows() const override { return names_.size(); }
  std::size_t dim() const override { return dim_; }
  RowMatrix read(std::size_t begin, std::size_t end, std::vector<float>& buffer) const override {
    buffer.resize((end - begin) * dim_);
    for (std::size_t i = begin; i < end; ++i) {
      const std::vector<float> values = read_feature_file(path_of(i));
      if (values.size() != dim_) {
        throw Error(ErrorKind::kData,
                    fmt::format("{}: {} values but {} has {}; make all features with one model", path_of(i),
                                values.size(), path_of(0), dim_));
      }
      std::copy(values.begin(), values.end(),
                buffer.begin() + static_cast<std::ptrdiff_t>((i - begin) * dim_));
    }
    return {buffer.data(), end - begin, dim_};
  }

 private:
  std::string path_of(std::size_t i) const { return folder_ + "/" + names_[i] + suffix_; }

  std::string folder_;
  const std::vector<std::string> names_;
  std::string suffix_;
  std::size_t dim_ = 0;
};

class SelectedRows : public RowSource {
 public:
  SelectedRows(std::shared_ptr<const RowSource> source, std::vector<std::int64_t> rows)
      : source_(std::move(source)), selected_(std::move(rows)) {}
  std::size_t rows() const override { return selected_.size(); }
  std::size_t dim() const override { return source_->dim(); }
  RowMatrix read(std::size_t begin, std::size_t end, std::vector<float>& buffer) const override {
    buffer.resize((end - begin) * dim());
    std::vector<float> one;
    for (std::size_t i = begin; i < end; ++i) {
      const auto row = static_cast<std::size_t>(selected_[i]);
      std::copy_n(source_->read(row, row + 1, one).data, dim(),
                  buffer.begin() + static_cast<std::ptrdiff_t>((i - begin) * dim()));
    }
    return {buffer.data(), end - begin, dim()};
  }

 private:
  std::shared_ptr<const RowSource> source_;
  std::vector<std::int64_t> selected_;
};

}  // namespace

std::unique_ptr<RowSource> open_npy_rows(const std::string& path) {
  const NpyHeader header = read_npy_matrix_header(path);
  const bool lies_ready =
      header.type == DataType::kFloat32 && !header.fortran_order && header.data_offset % sizeof(float) == 0;
  if (lies_ready) return std::make_unique<MappedRows>(path, header);
  return std::make_unique<ConvertedRows>(read_npy_matrix(path));
}

std::unique_ptr<RowSource> open_feature_folder(const std::string& folder,
                                               const std::vector<std::string>& names,
                                               const std::string& suffix) {
  return std::make_unique<FeatureFolder>(folder, names, suffix);
}

std::unique_ptr<RowSource> select_rows(std::shared_ptr<const RowSource> source,
                                       std::vector<std::int64_t> rows) {
  return std::make_unique<SelectedRows>(std::move(source), std::move(rows));
}

}  // namespace aface

#include "aface/recognise/embedding_writer.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "aface/core/error.h"
#include "aface/core/file_writer.h"
#include "aface/io/npy.h"

namespace aface {
namespace {

class NpyWriter : public EmbeddingWriter {
 public:
  NpyWriter(std::string path, const std::string& names_path, std::int64_t dim)
      : path_(std::move(path)), dim_(static_cast<std::size_t>(dim)), names_(names_path) {}

  void add(const EmbeddingRow& row) override {
    if (row.photo.empty() || row.photo.find_first_of("\t\r\n") != std::string::npos) {
      throw Error(ErrorKind::kData,
                  fmt::format("'{}' cannot stand in a list of names (empty, or with a tab or line "
                              "end in it); rename the file",
                              row.photo));
    }
    values_.insert(values_.end(), row.values.begin(), row.values.end());
    names_.write(row.photo);
    if (row.face) {
      const Box& box = row.face->box;
      names_.write(fmt::format("\t{}\t{:.2f}\t{:.2f}\t{:.2f}\t{:.2f}\t{:.4f}", row.number, box.x, box.y,
                               box.width, box.height, row.face->score));
    }
    names_.write("\n");
    ++rows_;
  }

  // A new matrix beside an old list would give rows the wrong names, so neither stays when the second fails.
  void finish() override {
    write_npy_matrix(path_, {values_.data(), static_cast<std::size_t>(rows_), dim_});
    try {
      names_.commit();
    } catch (...) {
      std::error_code ignored;
      std::filesystem::remove(path_, ignored);
      throw;
    }
  }

 private:
  std::string path_;
  std::size_t dim_;
  FileWriter names_;
  std::vector<float> values_;
};

class JsonlWriter : public EmbeddingWriter {
 public:
  JsonlWriter(const std::string& path, const std::string& model_digest)
      : file_(path), model_(text(model_digest)) {}

  void add(const EmbeddingRow& row) override {
    std::string line = fmt::format("{{\"path\": {}, \"face\": {}", text(row.photo), row.number);
    if (row.face) {
      const Box& box = row.face->box;
      line += fmt::format(", \"box\": [{:.2f}, {:.2f}, {:.2f}, {:.2f}], \"score\": {:.4f}, \"landmarks\": [",
                          box.x, box.y, box.width, box.height, row.face->score);
      for (const Point& p : row.face->landmarks)
        line += fmt::format("{}[{:.2f}, {:.2f}]", line.back() == '[' ? "" : ", ", p.x, p.y);
      line += "]";
    }
    line += fmt::format(", \"model\": {}, \"embedding\": [{}]}}\n", model_, fmt::join(row.values, ", "));
    file_.write(line);
    ++rows_;
  }
  void finish() override { file_.commit(); }

 private:
  // Quoted; what is no UTF-8 is replaced.
  static std::string text(const std::string& value) {
    return nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }

  FileWriter file_;
  std::string model_;
};

}  // namespace

std::unique_ptr<EmbeddingWriter> make_npy_writer(const std::string& path, const std::string& names_path,
                                                 std::int64_t dim) {
  return std::make_unique<NpyWriter>(path, names_path, dim);
}

std::unique_ptr<EmbeddingWriter> make_jsonl_writer(const std::string& path, const std::string& model_digest) {
  return std::make_unique<JsonlWriter>(path, model_digest);
}

}  // namespace aface

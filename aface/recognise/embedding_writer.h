#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "aface/core/span.h"
#include "aface/detect/face.h"

namespace aface {

// One face and its embedding.
struct EmbeddingRow {
  std::string photo;         // name of the photo
  std::int64_t number = 1;   // of the face in the photo, from 1 on
  std::optional<Face> face;  // none: the photo is a chip
  Span<const float> values;  // [dim]
};

// Embeddings into files that appear whole or not at all.
class EmbeddingWriter {
 public:
  virtual ~EmbeddingWriter() = default;
  // Throws Error{kIo}, or Error{kData} for a name that cannot stand in a list.
  virtual void add(const EmbeddingRow& row) = 0;
  virtual void finish() = 0;
  std::int64_t rows() const { return rows_; }

 protected:
  std::int64_t rows_ = 0;
};

// A matrix (.npy, float32, one row a face), held in memory until finish(), and the names of its rows, one a
// line: photo, and for faces found in it, after tabs: number, x, y, width, height, score.
std::unique_ptr<EmbeddingWriter> make_npy_writer(const std::string& path, const std::string& names_path,
                                                 std::int64_t dim);

// JSON, one object a line: {"path": ..., "face": 1, "box": [x, y, width, height], "score": ..., "landmarks":
// [[x, y] x 5], "model": digest, "embedding": [...]}; box, score and landmarks where a face was found.
// Written as they come.
std::unique_ptr<EmbeddingWriter> make_jsonl_writer(const std::string& path, const std::string& model_digest);

}  // namespace aface

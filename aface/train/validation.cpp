#include "aface/train/validation.h"

#include <fmt/core.h>

#include <numeric>
#include <vector>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/eval/scores.h"

namespace aface {

Validator::Validator(const ValidationOptions& options, const EmbedOptions& embed)
    : images_(options.images), pairs_(read_lfw_pairs(options.pairs)), embed_(embed) {
  std::size_t missing = 0;
  std::string first;
  for (const std::string& path : pairs_.paths) {
    if (file_exists(images_ + "/" + path)) continue;
    if (missing++ == 0) first = path;
  }
  if (missing > 0) {
    throw Error(ErrorKind::kData,
                fmt::format("{}: {} of {} images of {} are missing (first: {}); check validation.images", images_,
                            missing, pairs_.paths.size(), options.pairs, first));
  }
}

VerificationReport Validator::run(Backbone& backbone) const {
  const EmbeddingMatrix embeddings = embed_files(backbone, images_, pairs_.paths, embed_);
  std::vector<std::int64_t> rows(pairs_.paths.size());
  std::iota(rows.begin(), rows.end(), 0);
  const RowMatrix matrix{embeddings.values.data(), rows.size(), static_cast<std::size_t>(embeddings.dim)};
  return verify_pairs(score_pairs(matrix, pairs_, rows), same_flags(pairs_), pairs_.folds);
}

}  // namespace aface

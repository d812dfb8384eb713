#pragma once

#include <cstddef>
#include <string>

#include "aface/core/error.h"

namespace aface {

// A row without direction: not finite, or of length 0. Says which one, so that callers who know what the row stands for
// can name it.
class UnusableRow : public Error {
 public:
  enum class Kind { kEmbedding, kPrototype, kOfAnotherRank };

  // `name` of the row in the message: "sample 3", "identity 17".
  UnusableRow(Kind kind, std::size_t index, const std::string& name, const float* row, std::size_t dim);

  // That another rank has found one, and says which.
  static UnusableRow of_another_rank();

  Kind kind_of_row() const { return kind_; }
  std::size_t index() const { return index_; }
  const std::string& trouble() const { return trouble_; }  // "is unusable (... value 3 of it is nan)"
  // The same about the row `index` that its owner calls `name`.
  UnusableRow renamed(std::size_t index, const std::string& name) const;

 private:
  UnusableRow(Kind kind, std::size_t index, const std::string& name, std::string trouble);

  Kind kind_;
  std::size_t index_;
  std::string trouble_;
};

}  // namespace aface

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aface/core/span.h"
#include "aface/io/pair_list.h"

namespace aface {

// Euclidean length of each row, in double. names[i] is what row i is called in a message. Throws Error{kData}
// naming the row when its length is zero or not finite: such a row has no direction, and its cosine would be
// NaN.
std::vector<double> embedding_norms(RowMatrix embeddings, const std::vector<std::string>& names);

// Cosine of each pair: scores[i] = <row(a), row(b)> / (|row(a)| |row(b)|), summed in double. rows[p] is the
// row of list.paths[p]. Only rows that a pair uses are looked at. Throws Error{kData} as above, and when a
// row is out of range.
std::vector<float> score_pairs(RowMatrix embeddings, const PairList& list,
                               const std::vector<std::int64_t>& rows);

// 1 for pairs of one person, else 0: what verify_pairs takes.
std::vector<std::uint8_t> same_flags(const PairList& list);

}  // namespace aface

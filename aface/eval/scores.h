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

// The same for rows that already have length 1: row p is of list.paths[p]. A pair with an image marked in
// `no_match`
// ([paths], or empty) scores -1, the cosine of opposite directions, and so is accepted by nothing. Throws
// Error{kData} when there is not one row for each path.
std::vector<float> score_unit_pairs(RowMatrix unit_embeddings, const PairList& list,
                                    Span<const std::uint8_t> no_match = {});

// 1 for pairs of one person, else 0: what verify_pairs takes.
std::vector<std::uint8_t> same_flags(const PairList& list);

}  // namespace aface

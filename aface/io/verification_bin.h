#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "aface/core/span.h"
#include "aface/io/pair_list.h"
#include "aface/io/pickle_reader.h"

namespace aface {

// A verification set as insightface packs it (LFW, CFP-FF, CFP-FP, AgeDB-30, CALFW, CPLFW ...): pair i is
// images 2i and 2i + 1, both encoded as JPEG or PNG, and same[i] is 1 when they show one person. Pairs stand
// in the order of the data set's folds.
struct VerificationBin {
  std::vector<Span<const unsigned char>> images;  // [2 * pairs], views into `file` and `pickle`
  std::vector<std::uint8_t> same;                 // [pairs]
  std::vector<unsigned char> file;
  Pickle pickle;
};

// Whether a file begins as such a set does, so that it can be told from a list of pairs. Throws Error{kIo}.
bool is_verification_bin(const std::string& path);

// Reads the pickled pair (images, flags) without running anything (pickle_reader.h). Images are byte strings
// or numpy arrays of bytes; flags are booleans, 0 and 1, or an array of them. Images are not decoded. Throws
// Error{kIo}, or Error{kFormat} with the path and what does not fit.
VerificationBin read_verification_bin(const std::string& path);
VerificationBin parse_verification_bin(std::vector<unsigned char> file, const std::string& path);

// Writes such a set as the field's files are: protocol 2, images as the byte strings of Python 2, which
// pickle.load(file, encoding="bytes") gives back as bytes. `image(i)` is asked for i = 0 .. 2 * same.size() -
// 1 in turn; its view need only last until the next call. Atomic. Throws Error{kIo}, or Error{kData} for an
// image that is empty or longer than 2^31 - 1 bytes.
void write_verification_bin(const std::string& path, const std::vector<std::uint8_t>& same,
                            const std::function<Span<const unsigned char>(std::size_t)>& image);

// The pairs, with images named "<name>#k", k counted from 0 over all images, and equal images marked as one
// photo. Folds: the largest number from 10 down to 2 of equal slices that hold both kinds. Throws
// Error{kFormat} when there is none.
PairList pairs_of(const VerificationBin& set, const std::string& name);

}  // namespace aface

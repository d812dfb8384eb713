#pragma once

#include <cstdint>
#include <string>

namespace aface {

struct VerificationCopy {
  std::int64_t pairs = 0;
  std::int64_t pictures = 0;  // written: different ones to a folder, two a pair to a .bin
};

// Both ways between a pickled verification set (io/verification_bin.h) and a folder of pictures with a list
// of pairs (io/pair_list.h). Bytes and the order of pairs, and so the folds, stay as they are; what was
// written is read back and compared, else Error{kIo}.

// Writes <folder>/images/000000.jpg ..., equal pictures once, and <folder>/pairs.txt with lines
// "images/000000.jpg<TAB>images/000001.jpg<TAB>1". Throws Error{kUsage} when the folder is there already,
// Error{kData} for a picture that is neither JPEG nor PNG, Error{kIo|kFormat} of the set.
VerificationCopy unpack_verification_bin(const std::string& bin, const std::string& folder);

// `pairs` in any form that read_pairs() knows, its paths relative to `folder`. Throws Error{kUsage} when the
// .bin is there already, Error{kIo|kFormat} of the list and the pictures.
VerificationCopy pack_verification_bin(const std::string& folder, const std::string& pairs,
                                       const std::string& bin);

}  // namespace aface

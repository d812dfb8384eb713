#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aface/core/span.h"
#include "aface/io/pair_list.h"
#include "aface/io/verification_bin.h"
#include "apps/adaptiveface/embed_flags.h"

namespace aface {

// Where the embeddings of an evaluation come from: a model and a folder of chips, a matrix with the names of
// its rows, or a tree of MegaFace feature files.
struct EmbeddingFlags {
  std::shared_ptr<EmbedFlags> embed;  // --model and how to use it
  std::string images;                 // --images DIR
  std::string embeddings;             // --embeddings E.npy
  std::string list;                   // --list L.txt
  std::string features;               // --features DIR: DIR/<name><suffix>
  std::string suffix = ".bin";        // --suffix
  std::string on_bad = "fail";        // --bad-embeddings fail|no-match
};

std::shared_ptr<EmbeddingFlags> add_embedding_flags(CLI::App& app);

// One row for each wanted image, scaled to unit length.
struct UnitEmbeddings {
  std::size_t dim = 0;
  std::vector<float> values;       // row-major [images, dim]
  std::vector<std::string> names;  // [images] as the source has them: path under --images, line of --list
  // [images] 1: zero or not finite, matches nothing (score -1); empty: none is
  std::vector<std::uint8_t> no_match;
  std::optional<FlipRule> flip;  // with a model: the views that were summed
  RowMatrix view() const { return {values.data(), dim == 0 ? 0 : values.size() / dim, dim}; }
};

// Finds each wanted image by path or by the end of it (io/path_match.h). Throws Error{kUsage} when the flags
// do not name exactly one source, Error{kData} naming images without an embedding, and, with --bad-embeddings
// fail, naming and counting the embeddings that are zero or not finite. With no-match they are counted in a
// warning.
UnitEmbeddings load_embeddings(const EmbeddingFlags& flags, const std::string& command,
                               const std::vector<std::string>& wanted);

// The same for a set that brings its images: those of a model, equal ones embedded once, or of --embeddings
// without --list, row k being image k. Throws Error{kUsage} for other sources, Error{kFormat} naming an image
// that cannot be decoded.
UnitEmbeddings load_embeddings(const EmbeddingFlags& flags, const std::string& command,
                               const VerificationBin& set, const PairList& pairs);

// The sources for the head of a result file: {"model": ...} or {"embeddings": ...}, ...
std::vector<std::pair<std::string, std::string>> describe_source(const EmbeddingFlags& flags,
                                                                 const UnitEmbeddings& embeddings);

}  // namespace aface

#include "apps/adaptiveface/pair_input.h"

#include <filesystem>

namespace aface {

void add_pair_flags(CLI::App& app, std::string& pairs, std::string& extension) {
  app.add_option(
      "--pairs", pairs,
      "LFW's pairs.txt or a list of its form; the lists of CALFW, CPLFW and RFW; lines 'path1 path2 1' (one "
      "person) and 'path1 path2 0'; or a pickled set with its images (.bin of insightface), which is read "
      "without running anything");
  app.add_option("--extension", extension,
                 "ending of the names that LFW's form leaves out; copies with another one are found too")
      ->capture_default_str();
}

PairInput read_pair_input(const std::string& path, const std::string& extension) {
  PairInput pairs;
  if (is_verification_bin(path)) {
    pairs.set = read_verification_bin(path);
    pairs.list = pairs_of(*pairs.set, std::filesystem::path(path).filename().string());
  } else {
    pairs.list = read_pairs(path, extension);
  }
  return pairs;
}

UnitEmbeddings load_embeddings(const EmbeddingFlags& flags, const std::string& command,
                               const PairInput& pairs) {
  return pairs.set ? load_embeddings(flags, command, *pairs.set, pairs.list)
                   : load_embeddings(flags, command, pairs.list.paths);
}

}  // namespace aface

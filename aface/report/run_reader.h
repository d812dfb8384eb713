#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "aface/report/metrics_reader.h"

namespace aface {

struct LearntMargin {
  std::string identity;
  std::int64_t images = 0;
  double margin = 0;
};

// A photo that looks mislabelled.
struct NoiseSuspectRecord {
  std::string path;  // below data.root
  std::string identity;
  std::vector<std::pair<std::string, std::string>> facts;  // the other columns, "mean_cosine" -> "0.1069"
};

// What the folder of a run holds (train/run.h says who writes it). Only metrics.jsonl must be there; a run
// that goes on still has no results.
struct RunRecord {
  std::string path;
  std::map<std::string, std::string> options;  // "head.kind" -> "adaptive_margin", as in config.toml
  std::map<std::string, double> summary;  // "data/identities" -> 2916, of summary.json; empty: not finished
  RunMetrics metrics;
  std::vector<LearntMargin> margins;
  std::vector<NoiseSuspectRecord> suspects;

  bool is_finished() const { return !summary.empty(); }
  std::string option(const std::string& name) const;  // "" when there is none
  std::string images_folder() const;                  // of the training photos; "" when unknown
  std::string images_list() const;  // path<TAB>identity of all of them; "" for folders by identity
};

// Throws Error{kData} for a folder that is no run, Error{kIo} or Error{kFormat} for a damaged file in it.
RunRecord read_run(const std::string& folder);

}  // namespace aface

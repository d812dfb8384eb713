#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "aface/report/thinning.h"

namespace aface {

// A number of an evaluation with its 95 % interval.
struct FigureRecord {
  std::string name;                                         // "tar_at_far/0.001"
  double value = std::numeric_limits<double>::quiet_NaN();  // NaN: not measured, see `unmeasurable`
  double low = std::numeric_limits<double>::quiet_NaN();    // NaN: no interval
  double high = std::numeric_limits<double>::quiet_NaN();
  std::string unmeasurable;  // why there is no value
};

struct PairRecord {
  std::string a;
  std::string b;
  double score = 0;
};

// What evaluate compare found for one figure: b - a, with its paired 95 % interval.
struct DifferenceRecord {
  FigureRecord difference;
  double a = 0, b = 0;
  std::string verdict;
};

struct HistogramRecord {
  double low = -1, high = 1;              // where the first bin begins and the last one ends
  std::vector<double> genuine, impostor;  // counts of equal bins
};

// An evaluation file: eval/evaluation_json.h says who writes it; the cmc_*.json files of the MegaFace devkit
// have the same form of "roc" and "cmc". A file of evaluate compare has differences only. Every part may be
// absent, not all.
struct EvaluationRecord {
  std::string path;
  std::vector<FigureRecord> figures;                       // these three in the order of the file
  std::vector<std::pair<std::string, double>> numbers;     // all other single numbers by path, "pairs"
  std::vector<std::pair<std::string, std::string>> texts;  // "protocol", "model", "images"
  std::vector<ChartPoint> roc;                             // (FAR, TAR), rising FAR
  std::vector<ChartPoint> cmc;                             // (rank counted from 1, rate)
  std::vector<ChartPoint> open_set;                        // (FPIR, DIR at rank 1)
  std::vector<DifferenceRecord> differences;
  HistogramRecord histogram;
  std::vector<PairRecord> worst_genuine, worst_impostor;  // worst first

  std::string text(const std::string& name) const;  // "" when there is none
};

// Throws Error{kIo}, or Error{kFormat} when the file is no JSON object, holds none of these parts, or a part
// has another form.
EvaluationRecord read_evaluation_record(const std::string& path);

}  // namespace aface

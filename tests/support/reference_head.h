#pragma once

#include <ATen/core/Tensor.h>

#include <cmath>
#include <string>
#include <vector>

namespace aface {

// The margin softmax as the formulas are printed: plain loops in double, arc cosines and all.
struct ReferenceResult {
  double loss = 0;
  std::vector<std::vector<double>> cosines;  // [batch][active]
  std::vector<double> own_probability;       // [batch]
  std::vector<bool> correct;                 // [batch]
};

// `form`: "cosine", "angular" or "multiplied"; `own_margins` [batch].
inline double reference_margin(const std::string& form, double cosine, double margin) {
  const double pi = std::acos(-1.0);
  const double theta = std::acos(std::max(-1.0, std::min(1.0, cosine)));
  if (form == "cosine") return cosine - margin;
  if (form == "angular") return theta + margin <= pi ? std::cos(theta + margin) : cosine - 1 + std::cos(margin);
  int k = 0;
  while (margin * theta > (k + 1) * pi) ++k;
  return (k % 2 == 0 ? 1 : -1) * std::cos(margin * theta) - 2 * k;
}

inline ReferenceResult reference_head(const at::Tensor& embeddings, const at::Tensor& prototypes, const at::Tensor& targets,
                                      const std::vector<double>& own_margins, const std::string& form, double scale) {
  const auto rows = [](const at::Tensor& matrix) {
    const at::Tensor m = matrix.detach().to(at::kDouble).contiguous();
    std::vector<std::vector<double>> result;
    for (std::int64_t i = 0; i < m.size(0); ++i) {
      const double* row = m.data_ptr<double>() + i * m.size(1);
      double squares = 0;
      for (std::int64_t j = 0; j < m.size(1); ++j) squares += row[j] * row[j];
      result.emplace_back();
      for (std::int64_t j = 0; j < m.size(1); ++j) result.back().push_back(row[j] / std::sqrt(squares));
    }
    return result;
  };
  const auto e = rows(embeddings), w = rows(prototypes);
  ReferenceResult result;
  for (std::size_t i = 0; i < e.size(); ++i) {
    const auto own = static_cast<std::size_t>(targets.data_ptr<std::int64_t>()[i]);
    std::vector<double> cosines(w.size(), 0.0);
    for (std::size_t j = 0; j < w.size(); ++j) {
      for (std::size_t d = 0; d < e[i].size(); ++d) cosines[j] += e[i][d] * w[j][d];
    }
    const double own_logit = scale * reference_margin(form, cosines[own], own_margins[i]);
    double others = 0;  // relative to the own logit
    bool correct = true;
    for (std::size_t j = 0; j < w.size(); ++j) {
      if (j == own) continue;
      others += std::exp(scale * cosines[j] - own_logit);
      correct = correct && cosines[j] <= cosines[own];
    }
    result.loss += std::log1p(others) / static_cast<double>(e.size());
    result.own_probability.push_back(1 / (1 + others));
    result.correct.push_back(correct);
    result.cosines.push_back(std::move(cosines));
  }
  return result;
}

}  // namespace aface

#include "aface/report/number_text.h"

#include <fmt/core.h>

#include <cctype>
#include <cmath>
#include <cstdint>
#include <set>

#include "aface/report/html.h"

namespace aface {

std::string count_text(double value) {
  if (!(std::abs(value) < 1e15)) return plain_text(value);
  const std::string digits = fmt::format("{}", std::llround(std::abs(value)));
  std::string text = value < 0 ? "-" : "";
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ",";
    text += digits[i];
  }
  return text;
}

std::string share_text(double share) {
  return std::isnan(share) ? "–" : fmt::format("{:.2f} %", 100 * share);
}

std::string score_text(double score) { return std::isnan(score) ? "–" : fmt::format("{:.4f}", score); }

std::string plain_text(double value) {
  if (std::isnan(value)) return "–";
  return std::abs(value) >= 1e4 && std::abs(value) < 1e15 ? count_text(value) : fmt::format("{:.4g}", value);
}

std::string duration_words(double seconds) {
  if (std::isnan(seconds)) return "–";
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  if (whole >= 3600) return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
  if (whole >= 60) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{:.1f} s", seconds);
}

bool is_share(const std::string& figure_name) {
  for (const char* other : {"threshold", "score", "cosine", "distance"}) {
    if (figure_name.find(other) != std::string::npos) return false;
  }
  return true;
}

std::string readable_name(const std::string& name) {
  static const std::set<std::string> kInitials = {"tar", "far", "fnr", "fpr", "tpr", "frr",  "eer",
                                                  "auc", "dir", "cmc", "roc", "vr",  "fpir", "fnir"};
  std::string text, word;
  const auto finish_word = [&] {
    const bool is_initials = kInitials.count(word) > 0;
    for (const char letter : word) text += is_initials ? static_cast<char>(std::toupper(letter)) : letter;
    word.clear();
  };
  for (const char letter : name) {
    if (letter != '_' && letter != '/') {
      word += letter;
      continue;
    }
    finish_word();
    text += ' ';
  }
  finish_word();
  return text;
}

std::string data_html(double value, const std::string& text) {
  return fmt::format("<data value=\"{}\">{}</data>", value, escape_html(text));
}

}  // namespace aface

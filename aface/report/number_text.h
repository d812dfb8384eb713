#pragma once

#include <string>

namespace aface {

// Numbers as people read them; "–" for NaN.
std::string count_text(double value);        // 22,108
std::string share_text(double share);        // 0.8585 is "85.85 %"
std::string score_text(double score);        // 0.31415 is "0.3142"
std::string plain_text(double value);        // four significant digits, from 10,000 on whole numbers
std::string duration_words(double seconds);  // "1 h 23 min", "45 s"

// Whether a figure of this name is a share of something, "accuracy" or "tar_at_far/0.001", and not a score or
// distance.
bool is_share(const std::string& figure_name);

// "tar_at_far/0.001" is "TAR at FAR 0.001".
std::string readable_name(const std::string& name);

// <data value="...">text</data>: what is read is rounded, what is stored is not.
std::string data_html(double value, const std::string& text);

}  // namespace aface

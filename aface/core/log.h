#pragma once

#include <fmt/core.h>

#include <string>
#include <utility>

namespace aface {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// One line to stderr as "[area] message"; warnings and errors are marked. Thread-safe.
void log_line(LogLevel level, const std::string& area, const std::string& message);
void set_log_level(LogLevel level);

template <class... Args>
void log_info(const std::string& area, fmt::format_string<Args...> format, Args&&... args) {
  log_line(LogLevel::kInfo, area, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_warning(const std::string& area, fmt::format_string<Args...> format, Args&&... args) {
  log_line(LogLevel::kWarning, area, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_debug(const std::string& area, fmt::format_string<Args...> format, Args&&... args) {
  log_line(LogLevel::kDebug, area, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace aface

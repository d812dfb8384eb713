#include "aface/core/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

namespace aface {
namespace {

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> instance = [] {
    auto made = std::make_shared<spdlog::logger>("aface", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    return made;
  }();
  return *instance;
}

}  // namespace

void log_line(LogLevel level, const std::string& area, const std::string& message) {
  switch (level) {
    case LogLevel::kDebug:
      logger().debug("[{}] {}", area, message);
      break;
    case LogLevel::kInfo:
      logger().info("[{}] {}", area, message);
      break;
    case LogLevel::kWarning:
      logger().warn("[{}] warning: {}", area, message);
      break;
    case LogLevel::kError:
      logger().error("[{}] error: {}", area, message);
      break;
  }
  logger().flush();
}

void set_log_level(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      logger().set_level(spdlog::level::debug);
      break;
    case LogLevel::kInfo:
      logger().set_level(spdlog::level::info);
      break;
    case LogLevel::kWarning:
      logger().set_level(spdlog::level::warn);
      break;
    case LogLevel::kError:
      logger().set_level(spdlog::level::err);
      break;
  }
}

}  // namespace aface

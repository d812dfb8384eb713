#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/run_program.h"

namespace aface::test {

inline RunResult run_adaptiveface(const std::vector<std::string>& arguments, const RunOptions& options = {}) {
  return run_program(AFACE_PROGRAM, arguments, options);
}

// What every failure of the program looks like: this exit code, one line on stderr that begins with the
// program's name and holds `part`, nothing on stdout.
inline void expect_failure(const std::vector<std::string>& arguments, int exit_code,
                           const std::string& part) {
  const RunResult result = run_adaptiveface(arguments);
  EXPECT_FALSE(result.timed_out);
  EXPECT_EQ(result.exit_code, exit_code) << result.err;
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.err.rfind("adaptiveface: error: ", 0), 0u) << result.err;
  EXPECT_EQ(result.err.find('\n'), result.err.size() - 1) << "one line expected: " << result.err;
  EXPECT_THAT(result.err, ::testing::HasSubstr(part));
}

}  // namespace aface::test

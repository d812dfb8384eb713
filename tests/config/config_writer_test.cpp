#include "aface/config/config_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "aface/config/config_reader.h"
#include "aface/config/option_list.h"
#include "aface/config/validate.h"
#include "aface/core/file.h"
#include "aface/core/random.h"

namespace aface {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A value inside the option's range, awkward ones included.
struct RandomValue {
  const FieldInfo& info;
  Random& random;

  double bound(double wanted, double otherwise) const { return std::isfinite(wanted) ? wanted : otherwise; }

  void operator()(bool* value) const { *value = random.chance(0.5); }
  void operator()(std::int64_t* value) const {
    const auto low = static_cast<std::int64_t>(bound(info.min, -1e15));
    const auto high = static_cast<std::int64_t>(bound(info.max, 1e15));
    *value = low + random.below(high - low + 1);
  }
  void operator()(double* value) const {
    const double low = bound(info.min, -1e300), high = bound(info.max, 1e300);
    const double tiny = low + std::numeric_limits<double>::denorm_min();
    const double picks[] = {low, high, std::floor(high), random.uniform(low, high), tiny};
    *value = picks[random.below(5)];
  }
  void operator()(std::string* value) const {
    if (!info.choices.empty()) {
      *value = info.choices[random.below(static_cast<std::int64_t>(info.choices.size()))];
      return;
    }
    const std::vector<std::string> pieces = {"a", "\"", "\\",   "\n",   "\t", "#", "'",
                                             "=", " ",  "\x7f", "\x01", "ä",  "顔"};
    value->clear();
    for (auto left = random.below(8); left > 0; --left) *value += pieces[random.below(13)];
  }
  template <class T>
  void operator()(std::vector<T>* values) const {
    values->assign(random.below(4), T{});
    for (T& value : *values) (*this)(&value);
  }
};

TEST(ConfigWriter, ReadingBackGivesTheSameTextForRandomOptions) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    RunConfig config;
    for (const Option& option : list_options(config))
      std::visit(RandomValue{option.info, random}, option.value);
    const std::string text = to_toml(config);
    const RunConfig again = parse_config(text, "written.toml");
    EXPECT_EQ(to_toml(again), text);
    EXPECT_EQ(to_toml(parse_config(to_toml(config, TomlStyle::kDocumented), "documented.toml")), text);
    EXPECT_THAT(result_differences(config, again), IsEmpty());
  }
}

TEST(ConfigWriter, WrittenTextHoldsTheValues) {
  RunConfig config;
  config.head.logit_scale = 48;
  config.data.root = "a \"b\"";
  config.optimizer.milestones = {0.5, 1};
  const std::string text = to_toml(config);
  EXPECT_THAT(text, HasSubstr("logit_scale = 48.0\n"));
  EXPECT_THAT(text, HasSubstr("root = \"a \\\"b\\\"\"\n"));
  EXPECT_THAT(text, HasSubstr("milestones = [0.5, 1.0]\n"));
}

TEST(ConfigWriter, DefaultsAreInsideTheirRangesAndDocumented) {
  RunConfig defaults;
  for (const Option& option : list_options(defaults)) {
    EXPECT_EQ(value_problem(option), "") << option.name();
    EXPECT_FALSE(option.info.doc.empty()) << option.name();
    EXPECT_EQ(option.info.doc.find('\n'), std::string::npos) << option.name();
  }
}

TEST(ConfigWriter, ReferencePageInDocsIsUpToDate) {
  EXPECT_EQ(read_text_file(std::string(AFACE_SOURCE_DIR) + "/docs/config.md"), options_reference())
      << "run: build/bin/adaptiveface config --reference > docs/config.md";
}

}  // namespace
}  // namespace aface

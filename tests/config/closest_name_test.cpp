#include "aface/config/closest_name.h"

#include <gtest/gtest.h>

namespace aface {
namespace {

const std::vector<std::string> kNames = {"margin_init", "margin_min", "margin_max",
                                         "logit_scale", "kind",       "steps"};

TEST(ClosestName, FindsSlips) {
  EXPECT_EQ(closest_name("margin_int", kNames), "margin_init");
  EXPECT_EQ(closest_name("logit_sclae", kNames), "logit_scale");
  EXPECT_EQ(closest_name("Logit-Scale", kNames), "logit_scale");
  EXPECT_EQ(closest_name("logit", kNames), "logit_scale");
  EXPECT_EQ(closest_name("step", kNames), "steps");
}

TEST(ClosestName, SaysNothingWhenNothingIsNear) {
  EXPECT_EQ(closest_name("temperature", kNames), "");
  EXPECT_EQ(closest_name("", kNames), "");
  EXPECT_EQ(closest_name("x", {}), "");
  EXPECT_EQ(closest_name(std::string(1 << 20, 'm'), kNames), "");
  EXPECT_EQ(did_you_mean("temperature", kNames), "");
}

TEST(ClosestName, PrefersTheFewestChanges) {
  EXPECT_EQ(closest_name("margin_mix", kNames), "margin_min");  // first of two at one change
  EXPECT_EQ(closest_name("margin_man", {"margin_init", "margin_max", "margin_mean"}), "margin_max");
}

}  // namespace
}  // namespace aface

#include "aface/prototype/saved_prototypes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "aface/core/random.h"
#include "aface/prototype/prototype_table.h"
#include "tests/support/expect_error.h"

namespace aface {
namespace {

constexpr std::int64_t kIdentities = 60, kDim = 13;

PrototypeOptions options() {
  PrototypeOptions options;
  options.momentum = 0.8;
  options.weight_decay = 0.02;
  options.threads = 1;
  return options;
}

// Some rows with every step, some that lack many, some that never had a gradient.
std::unique_ptr<PrototypeTable> used_table() {
  auto made = std::make_unique<PrototypeTable>(kIdentities, kDim, 5, options());
  PrototypeTable& table = *made;
  Random random(6);
  for (std::int64_t step = 0; step < 25; ++step) {
    std::vector<std::int64_t> ids;
    for (std::int64_t id = 0; id < kIdentities - 5; ++id) {
      if (random.chance(0.2)) ids.push_back(id);
    }
    table.activate(ids);
    table.step(0.1, [&](std::size_t first, std::size_t count, float* out) {
      for (std::size_t i = 0; i < count * kDim; ++i)
        out[i] = static_cast<float>(ids[first + i / kDim] % 7) - 3.0F + 0.1F * static_cast<float>(i % kDim);
    });
  }
  return made;
}

TEST(SavedPrototypes, AreTheRowsOfTheTableToTheBit) {
  const auto table = used_table();
  NamedArrays state;
  table->save(state);
  state.own_all();
  const SavedPrototypes saved(state, options().momentum, options().weight_decay);
  ASSERT_EQ(saved.rows(), kIdentities);
  ASSERT_EQ(saved.dim(), kDim);
  std::int64_t differ_from_the_file = 0;
  const auto in_file = state.get<float>("prototypes.weight");
  for (std::int64_t row = 0; row < kIdentities; ++row) {
    std::vector<float> expected(kDim), got(kDim);
    table->rows(row, 1, expected.data());
    saved.read(row, got.data());
    EXPECT_EQ(got, expected) << row;
    differ_from_the_file += !std::equal(got.begin(), got.end(), in_file.begin() + row * kDim);
  }
  EXPECT_GT(differ_from_the_file, 20) << "no row lacked a step, so nothing was tested";
}

TEST(SavedPrototypes, RefusesWhatIsNoTable) {
  NamedArrays good;
  const auto table = used_table();
  table->save(good);
  const auto refused = [&](const NamedArrays& state) {
    test::error_of(ErrorKind::kFormat, [&] { SavedPrototypes(state, 0.9, 0); });
  };
  for (const char* name : {"prototypes.weight", "prototypes.velocity", "prototypes.rates"}) {
    NamedArrays bad = good;
    bad.arrays.erase(name);
    refused(bad);
  }
  NamedArrays bad = good;
  bad.put<float>("prototypes.weight", std::vector<float>(kIdentities * kDim), {kIdentities * kDim});
  refused(bad);
  bad = good;
  bad.put<float>("prototypes.velocity", std::vector<float>(kDim), {1, kDim});
  refused(bad);
}

}  // namespace
}  // namespace aface

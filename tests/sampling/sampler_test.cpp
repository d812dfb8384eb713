#include "aface/sampling/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace aface {
namespace {

class KindOfOptions {
 public:
  std::vector<std::string> choices;
  template <class T>
  void field(const std::string& name, T&, const FieldInfo& info) {
    if (name == "kind") choices = info.choices;
  }
};

std::unique_ptr<Sampler> make(const std::string& kind, const std::vector<std::int64_t>& identities,
                              std::uint64_t seed = 1) {
  SamplerOptions options;
  options.kind = kind;
  return make_sampler(options, identities, 3, seed);
}

const std::vector<std::int64_t> kIdentities = {0, 1, 1, 2, 2, 2};

TEST(MakeSampler, TableAndOptionsNameTheSameKinds) {
  SamplerOptions options;
  KindOfOptions visitor;
  describe(visitor, options);
  std::vector<std::string> names;
  for (const auto& row : sampler_table()) names.push_back(row.name);
  EXPECT_EQ(names, visitor.choices);
}

TEST(MakeSampler, EveryKindDrawsKnownSamplesRepeatablyAndRestores) {
  for (const auto& row : sampler_table()) {
    SCOPED_TRACE(row.name);
    const auto a = make(row.name, kIdentities), b = make(row.name, kIdentities), c = make(row.name, kIdentities, 2);
    const auto ids = a->draw(500);
    ASSERT_EQ(ids.size(), 500U);
    EXPECT_TRUE(std::all_of(ids.begin(), ids.end(), [](std::int64_t id) { return id >= 0 && id < 6; }));
    EXPECT_EQ(ids, b->draw(500));
    EXPECT_NE(ids, c->draw(500));
    NamedArrays state;
    a->save(state);
    c->restore(state);
    EXPECT_EQ(a->draw(100), c->draw(100));
    EXPECT_TRUE(a->draw(0).empty());
  }
}

TEST(MakeSampler, StateOfAnotherKindOrDataSetIsRefused) {
  for (const auto& saved : sampler_table()) {
    NamedArrays state;
    make(saved.name, kIdentities)->save(state);
    for (const auto& row : sampler_table()) {
      SCOPED_TRACE(saved.name + " into " + row.name);
      if (row.name == saved.name) {
        EXPECT_THROW(make(row.name, {0, 1, 2})->restore(state), Error);
      } else {
        EXPECT_THROW(make(row.name, kIdentities)->restore(state), Error);
      }
      EXPECT_THROW(make(row.name, kIdentities)->restore(NamedArrays()), Error);
    }
  }
}

TEST(MakeSampler, UnknownKindListsTheNames) {
  try {
    make("random", kIdentities);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_NE(std::string(error.what()).find("shuffle, balanced, adaptive"), std::string::npos) << error.what();
  }
}

TEST(MakeSampler, NoSamplesAndUnknownIdentitiesAreDataErrors) {
  for (const auto& row : sampler_table()) {
    for (const auto& identities : {std::vector<std::int64_t>{}, {0, 3}, {0, -1}}) {
      try {
        make(row.name, identities);
        FAIL() << row.name;
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kData) << error.what();
      }
    }
  }
}

}  // namespace
}  // namespace aface

#pragma once

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace aface::test {

// One start tag of a page, with its attributes as they are written.
struct HtmlTag {
  std::string name;
  std::map<std::string, std::string> attributes;
  std::string text;  // up to the next tag, as it is written
};

// The start tags of a page that must be well formed: every tag closed in turn (void elements of HTML and <x/>
// aside), attributes in double quotes, no bare '<' in text. Reports a failed expectation and what came before
// it otherwise.
inline std::vector<HtmlTag> parse_page(const std::string& html) {
  const std::set<std::string> kVoid = {"meta", "img", "wbr", "br", "!doctype"};
  const std::string kNameEnd = " \n\t/>=";
  std::vector<HtmlTag> tags;
  std::vector<std::string> open;
  std::size_t at = 0;
  const auto fail = [&](const std::string& what) {
    ADD_FAILURE() << what << " near: " << html.substr(at, 80);
    return tags;
  };
  while ((at = html.find('<', at)) != std::string::npos) {
    const bool is_end = html[at + 1] == '/';
    std::size_t i = at + 1 + is_end;
    const std::size_t name_end = html.find_first_of(kNameEnd, i);
    if (name_end == std::string::npos || name_end == i) return fail("'<' that opens no tag");
    HtmlTag tag{html.substr(i, name_end - i), {}, ""};
    for (char& letter : tag.name) letter = static_cast<char>(std::tolower(letter));
    bool is_closed_at_once = kVoid.count(tag.name) > 0;
    for (i = name_end; i < html.size() && html[i] != '>';) {
      if (html[i] == ' ' || html[i] == '\n') {
        ++i;
      } else if (html[i] == '/') {
        is_closed_at_once = true;
        ++i;
      } else {
        const std::size_t key_end = html.find_first_of(kNameEnd, i);
        const std::string key = html.substr(i, key_end - i);
        if (html[key_end] != '=') {
          tag.attributes[key] = "";
          i = key_end;
          continue;
        }
        if (html[key_end + 1] != '"') return fail("attribute without quotes");
        const std::size_t value_end = html.find('"', key_end + 2);
        if (value_end == std::string::npos) return fail("attribute without an end");
        if (!tag.attributes.emplace(key, html.substr(key_end + 2, value_end - key_end - 2)).second) {
          return fail("attribute given twice");
        }
        i = value_end + 1;
      }
    }
    if (i >= html.size()) return fail("tag without an end");
    if (is_end) {
      if (open.empty() || open.back() != tag.name)
        return fail("'" + tag.name + "' closed in the wrong place");
      open.pop_back();
    } else {
      tag.text = html.substr(i + 1, html.find('<', i + 1) - i - 1);
      if (!is_closed_at_once) open.push_back(tag.name);
      tags.push_back(tag);
    }
    at = i + 1;
  }
  EXPECT_TRUE(open.empty()) << open.back() << " is never closed";
  return tags;
}

// Nothing of the page is fetched from elsewhere and nothing runs.
inline void expect_self_contained(const std::vector<HtmlTag>& tags) {
  const std::set<std::string> kForbidden = {"script", "link", "iframe", "object", "embed", "base"};
  for (const HtmlTag& tag : tags) {
    EXPECT_EQ(kForbidden.count(tag.name), 0u) << tag.name;
    for (const auto& [key, value] : tag.attributes) {
      EXPECT_NE(key.rfind("on", 0), 0u) << key;
      EXPECT_TRUE(key != "src" || value.rfind("data:image/jpeg;base64,", 0) == 0) << value.substr(0, 60);
      EXPECT_TRUE(key != "href" || value.rfind("#", 0) == 0) << value;
    }
    if (tag.name == "style") {
      EXPECT_EQ(tag.text.find("url("), std::string::npos);
      EXPECT_EQ(tag.text.find("@import"), std::string::npos);
    }
  }
}

}  // namespace aface::test

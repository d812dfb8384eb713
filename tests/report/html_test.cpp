#include "aface/report/html.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace aface {
namespace {


TEST(EscapeHtml, MarkupBecomesText) {
  EXPECT_EQ(escape_html("a<b>&\"c\" 'd'"), "a&lt;b&gt;&amp;&quot;c&quot; &#39;d&#39;");
  EXPECT_EQ(escape_html("line\n\tend"), "line\n\tend");
}

TEST(BreakableHtml, MayBreakBehindFoldersAndUnderscores) {
  EXPECT_EQ(breakable_html("a/b_<c>"), "a/<wbr>b_<wbr>&lt;c&gt;");
}

TEST(EscapeHtml, KeepsTheCharactersOfOtherScripts) {
  const std::string text = "Zoë 李 🙂";
  EXPECT_EQ(escape_html(text), text);
}

TEST(EscapeHtml, WhatIsNotUtf8IsReplacedByteByByte) {
  const std::string bad = "\xEF\xBF\xBD";
  EXPECT_EQ(escape_html("a\xFFz"), "a" + bad + "z");
  EXPECT_EQ(escape_html("\xC3"), bad);                                // cut short
  EXPECT_EQ(escape_html("\xC0\xBC"), bad + bad);                      // overlong '<'
  EXPECT_EQ(escape_html("\xED\xA0\x80"), bad + bad + bad);            // surrogate
  EXPECT_EQ(escape_html("\xF4\x90\x80\x80"), bad + bad + bad + bad);  // beyond U+10FFFF
  EXPECT_EQ(escape_html(std::string("a\0b\x1B", 4)), "a" + bad + "b" + bad);
}

}  // namespace
}  // namespace aface

#pragma once

namespace aface {

// A page that compares two photos by /verify. Needs nothing from elsewhere; the style and the script are
// files of their own, so that a content security policy can forbid all others.
const char* page_html();
const char* page_css();
const char* page_js();

}  // namespace aface

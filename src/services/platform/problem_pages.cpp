#include "services/platform/problem_pages.hpp"

#include <fmt/format.h>

#include "http/message/problem.hpp"
#include "http/message/problem_sentence.hpp"
#include "http/message/status_line.hpp"

namespace market::platform {
namespace {

struct Explained {
  http::Status status;
  std::string_view title;
};

/// What `code` stands for: one of ours, or the words of a status. Nullopt: for nothing.
std::optional<Explained> explained(std::string_view code) {
  for (int i = 0; i <= static_cast<int>(last_code); ++i) {
    const http::Problem problem = http::problem_of(static_cast<Code>(i));
    if (problem.code == code) return Explained{problem.status, problem.title};
  }
  for (int number = 400; number < 600; ++number) {
    const auto status = static_cast<http::Status>(number);
    const std::string_view title = http::reason_phrase(status);
    if (!title.empty() && http::code_of(status) == code) return Explained{status, title};
  }
  return std::nullopt;
}

Task<http::Reply> show(const http::Request& request) {
  const std::string_view code = request.parameters[0];
  const auto known = explained(code);
  if (!known) co_return fail(Code::not_found, "there is no such problem");
  http::Reply reply;
  reply.content_type = "text/html; charset=utf-8";
  // `code` is one of our own words here, which need no escaping.
  reply.body = fmt::format(
      R"(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{1} ({0})</title><link rel="stylesheet" href="/docs/style.css"></head>
<body><main><h1>{1}</h1>
<p>Problem <code>{0}</code>, status {2}.</p>
<p>{3}</p>
<p lang="ko">{4}</p>
<p><a href="/docs">All problems and what they mean</a></p></main></body></html>
)",
      code, known->title, static_cast<int>(known->status), http::sentence_for(code, http::Language::english),
      http::sentence_for(code, http::Language::korean));
  reply.headers.push_back({"Cache-Control", "public, max-age=3600"});
  reply.headers.push_back({"Content-Security-Policy",
                           "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"});
  co_return reply;
}

}  // namespace

void add_problem_pages(http::Router& router) {
  http::RouteOptions page;
  page.any_query = true;
  router.add(http::Method::get, "/problems/{code}", show, page);
}

}  // namespace market::platform

#pragma once
/// Where a reason becomes an RFC 9457 answer: one table from Code to status, type, title and retry time.

#include <string>

#include "http/message/message.hpp"

namespace market::http {

struct Problem {
  Status status;
  std::string_view code;  ///< API.md's word, also the last part of `type`.
  std::string_view title;
  int retry_after_seconds = 0;  ///< Sent as Retry-After when above 0.
};

/// No default in its switch: -Wswitch finds a new Code.
Problem problem_of(Code code);

/// What is said instead of an error's own words, which may name files, addresses or statements: those are for
/// the log. Empty: they are meant for whoever asked.
std::string_view words_for_strangers(Code code);

/// {type, title, status, detail, code, traceId[, errors][, opensAt]} with the headers that belong to it.
Reply problem_reply(const Error& error, std::string_view trace_id);

/// The same shape for what the server itself refuses and no Code names: 405, 408, 414, 431, 501, 505, …
/// `code` is the reason phrase in lower case with underscores.
Reply status_problem(Status status, std::string_view detail, std::string_view trace_id);

/// The code of such a problem: "method_not_allowed".
std::string code_of(Status status);

}  // namespace market::http

#include "http/message/status_line.hpp"

namespace market::http {

std::string_view reason_phrase(Status status) {
  if (status == reset_content) return "Reset Content";
  if (static_cast<int>(status) == 508) return "Loop Detected";  // RFC 5842 7.2: gateways alone say so.
  switch (status) {
    case Status::ok:
      return "OK";
    case Status::created:
      return "Created";
    case Status::accepted:
      return "Accepted";
    case Status::no_content:
      return "No Content";
    case Status::moved_permanently:
      return "Moved Permanently";
    case Status::found:
      return "Found";
    case Status::not_modified:
      return "Not Modified";
    case Status::temporary_redirect:
      return "Temporary Redirect";
    case Status::permanent_redirect:
      return "Permanent Redirect";
    case Status::bad_request:
      return "Bad Request";
    case Status::unauthorized:
      return "Unauthorized";
    case Status::payment_required:
      return "Payment Required";
    case Status::forbidden:
      return "Forbidden";
    case Status::not_found:
      return "Not Found";
    case Status::method_not_allowed:
      return "Method Not Allowed";
    case Status::not_acceptable:
      return "Not Acceptable";
    case Status::request_timeout:
      return "Request Timeout";
    case Status::conflict:
      return "Conflict";
    case Status::gone:
      return "Gone";
    case Status::length_required:
      return "Length Required";
    case Status::precondition_failed:
      return "Precondition Failed";
    case Status::payload_too_large:
      return "Payload Too Large";
    case Status::uri_too_long:
      return "URI Too Long";
    case Status::unsupported_media_type:
      return "Unsupported Media Type";
    case Status::expectation_failed:
      return "Expectation Failed";
    case Status::unprocessable:
      return "Unprocessable Content";
    case Status::precondition_required:
      return "Precondition Required";
    case Status::too_many_requests:
      return "Too Many Requests";
    case Status::header_too_large:
      return "Header Too Large";
    case Status::internal_error:
      return "Internal Error";
    case Status::not_implemented:
      return "Not Implemented";
    case Status::bad_gateway:
      return "Bad Gateway";
    case Status::unavailable:
      return "Service Unavailable";
    case Status::gateway_timeout:
      return "Gateway Timeout";
    case Status::version_not_supported:
      return "Version Not Supported";
    case Status::insufficient_storage:
      return "Insufficient Storage";
  }
  return {};
}

void append_status_line(HeadText& out, Status status) {
  if (status == Status::ok) {
    out.append("HTTP/1.1 200 OK\r\n");
    return;
  }
  out.append("HTTP/1.1 ").append(static_cast<std::uint64_t>(status)).append(" ");
  out.append(reason_phrase(status)).append("\r\n");
}

}  // namespace market::http

// Eureka's REST API. Answers without a body are empty on purpose: Netflix's Jersey client never recovers from
// a refused heartbeat that has one.
#include "http/message/problem.hpp"
#include "http/message/target.hpp"
#include "services/registry/handlers.hpp"
#include "services/registry/replication_route.hpp"
#include "services/registry/stream_route.hpp"
#include "wire/eureka/read_values.hpp"
#include "wire/eureka/registration_check.hpp"

namespace market::registry {
namespace {

using http::Method;
using http::Reply;
using http::Request;
using wire::eureka::Detail;
using wire::eureka::Replicated;

constexpr std::string_view xml_type = "application/xml";
constexpr std::size_t batch_bytes_max = 8 * 1024 * 1024;

Format format_of(const Request& request) {
  return request.header("Accept").find("json") != std::string_view::npos ? Format::json : Format::xml;
}
Detail detail_of(const Request& request) {
  return request.header("X-Eureka-Accept") == "compact" ? Detail::compact : Detail::full;
}
Source source_of(const Request& request) {
  return request.header("x-netflix-discovery-replication") == "true" ? Source::peer : Source::client;
}
std::string by_of(const Request& request) {
  return source_of(request) == Source::peer ? "a peer" : std::string(request.remote_address);
}

Reply with_body(SharedRegistry::Body body, Format format) {
  Reply reply;
  reply.content_type = format == Format::json ? http::json_type : xml_type;
  reply.shared_body = std::move(body);
  return reply;
}

Reply instance_reply(http::Status status, const RegisteredInstance& instance, const Request& request) {
  const Format format = format_of(request);
  Reply reply;
  reply.status = status;
  reply.content_type = format == Format::json ? http::json_type : xml_type;
  if (format == Format::json)
    reply.body = wire::eureka::json_instance(instance, detail_of(request));
  else
    wire::eureka::append_xml(reply.body, instance, detail_of(request));
  return reply;
}

std::optional<std::int64_t> number_parameter(const Request& request, std::string_view name) {
  const auto text = request.query_parameter(name);
  if (!text || !*text) return std::nullopt;
  try {
    return std::stoll(**text);
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

/// What a change of one instance tells the peers.
Replicated replicated(Replicated::What what, const std::string& app, const std::string& id) {
  Replicated item;
  item.what = what;
  item.app = app;
  item.id = id;
  return item;
}

void tell_peers(const HandlerContext& context, const Request& request, Replicated item) {
  if (source_of(request) == Source::client) context.peers.tell(std::move(item));
}

/// Eureka's clients know 400, not 422; they act on the status and people read the rest.
Reply refusal_of(const Error& error, const Request& request) {
  const auto status = error.code == Code::payload_too_large ? http::Status::payload_too_large
                      : error.code == Code::overloaded      ? http::Status::unavailable
                                                            : http::Status::bad_request;
  return http::status_problem(status, error.detail, request.trace_id);
}

std::string app_of(const Request& request) {
  return upper(request.parameters[0]);
}
std::string id_of(const Request& request) {
  return std::string(request.parameters[1]);
}

Task<Reply> fetch(ContextPtr context, SharedRegistry::View view, const Request& request) {
  if (auto refusal = refuse_reader(*context, request)) co_return std::move(*refusal);
  if (!context->registry.ready()) co_return empty_reply(http::Status::forbidden);
  const Format format = format_of(request);
  const bool named = view == SharedRegistry::View::vip || view == SharedRegistry::View::secure_vip;
  const std::string name = named ? std::string(request.parameters[0]) : std::string();
  co_return with_body(context->registry.applications(view, name, format, detail_of(request)), format);
}

Task<Reply> get_app(ContextPtr context, const Request& request) {
  if (auto refusal = refuse_reader(*context, request)) co_return std::move(*refusal);
  const Format format = format_of(request);
  auto body = context->registry.application(app_of(request), format, detail_of(request));
  if (!body) co_return empty_reply(http::Status::not_found);
  co_return with_body(std::move(body), format);
}

Task<Reply> get_instance(ContextPtr context, const Request& request) {
  if (auto refusal = refuse_reader(*context, request)) co_return std::move(*refusal);
  const auto found = context->registry.with([&](LeaseRegistry& leases, std::int64_t now_ms) {
    return request.parameters.size() == 1 ? leases.find_by_id(std::string(request.parameters[0]), now_ms)
                                          : leases.find(app_of(request), id_of(request), now_ms);
  });
  if (!found) co_return empty_reply(http::Status::not_found);
  co_return instance_reply(http::Status::ok, *found, request);
}

Task<Reply> enroll(ContextPtr context, const Request& request) {
  if (auto refusal = refuse_writer(*context, request)) co_return std::move(*refusal);
  const auto type = request.header("Content-Type");
  const bool is_xml = type.find("xml") != std::string_view::npos;
  if (!is_xml && type.find("json") == std::string_view::npos)
    co_return empty_reply(http::Status::unsupported_media_type);
  auto instance = is_xml ? wire::eureka::parse_xml_instance(request.body)
                         : wire::eureka::parse_json_instance(request.body);
  if (!instance) co_return refusal_of(instance.error(), request);
  if (instance->app != app_of(request))  // Both in the registry's form: names compare without case.
    co_return refusal_of(Error(Code::validation, "app and the path's application differ"), request);
  if (const auto ok = context->registry.admit(*instance); !ok) co_return refusal_of(ok.error(), request);
  auto item = replicated(Replicated::What::enroll, instance->app, instance->key());
  const auto enrolled = context->registry.with([&](LeaseRegistry& leases, std::int64_t now_ms) {
    const auto done = leases.enroll(*instance, source_of(request), now_ms, by_of(request));
    item.instance = leases.find(item.app, item.id, now_ms);
    return done;
  });
  if (!enrolled) co_return refusal_of(enrolled.error(), request);
  ++context->registry.counts().registrations;
  if (item.instance) {
    item.dirty_ms = item.instance->dirty_ms;
    item.status = item.instance->status;
  }
  tell_peers(*context, request, std::move(item));
  co_return http::no_content();
}

Task<Reply> heartbeat(ContextPtr context, const Request& request) {
  if (auto refusal = refuse_writer(*context, request)) co_return std::move(*refusal);
  Renewal renewal;
  renewal.dirty_ms = number_parameter(request, "lastDirtyTimestamp");
  const auto overridden = request.query_parameter("overriddenstatus");
  if (overridden && *overridden) renewal.overridden = parse_status(**overridden);
  renewal.source = source_of(request);
  auto item = replicated(Replicated::What::heartbeat, app_of(request), id_of(request));
  std::optional<RegisteredInstance> stored;
  const auto renewed = context->registry.with([&](LeaseRegistry& leases, std::int64_t now_ms) {
    const Renewed done = leases.renew(item.app, item.id, renewal, now_ms);
    leases.look(item.app, item.id, [&](const RegisteredInstance& instance) {
      item.dirty_ms = instance.dirty_ms;
      item.status = instance.status;
      if (instance.overridden != Status::unknown) item.overridden = instance.overridden;
      if (done == Renewed::conflict) stored = instance;
    });
    return done;
  });
  if (renewed == Renewed::unknown) co_return empty_reply(http::Status::not_found);
  context->registry.renewed();
  if (renewed == Renewed::conflict && stored)
    co_return instance_reply(http::Status::conflict, *stored, request);
  tell_peers(*context, request, std::move(item));
  co_return empty_reply(http::Status::ok);
}

Task<Reply> cancel(ContextPtr context, const Request& request) {
  if (auto refusal = refuse_writer(*context, request)) co_return std::move(*refusal);
  auto item = replicated(Replicated::What::cancel, app_of(request), id_of(request));
  const bool known = context->registry.with([&](LeaseRegistry& leases, std::int64_t now_ms) {
    return leases.cancel(item.app, item.id, now_ms, by_of(request));
  });
  if (!known) co_return empty_reply(http::Status::not_found);
  ++context->registry.counts().cancellations;
  tell_peers(*context, request, std::move(item));
  co_return empty_reply(http::Status::ok);
}

Task<Reply> change_status(ContextPtr context, bool drop, const Request& request) {
  if (auto refusal = refuse_writer(*context, request)) co_return std::move(*refusal);
  const auto value = request.query_parameter("value");
  std::optional<Status> status;
  if (value && *value) {
    status = parse_status(**value);
    // Netflix answers 500 here, and so do we: the recorded traffic says so.
    if (!status) co_return empty_reply(http::Status::internal_error);
  }
  if (!drop && !status) co_return empty_reply(http::Status::internal_error);
  const auto dirty_ms = number_parameter(request, "lastDirtyTimestamp");
  auto item = replicated(drop ? Replicated::What::delete_override : Replicated::What::status_update,
                         app_of(request), id_of(request));
  const bool known = context->registry.with([&](LeaseRegistry& leases, std::int64_t now_ms) {
    const bool done =
        drop ? leases.drop_override(item.app, item.id, status, dirty_ms, now_ms, by_of(request))
             : leases.override_status(item.app, item.id, *status, dirty_ms, now_ms, by_of(request));
    leases.look(item.app, item.id,
                [&](const RegisteredInstance& instance) { item.dirty_ms = instance.dirty_ms; });
    return done;
  });
  if (!known) co_return empty_reply(http::Status::not_found);
  item.status = status.value_or(Status::unknown);
  tell_peers(*context, request, std::move(item));
  co_return empty_reply(http::Status::ok);
}

/// Each `key=value` of the query.
Metadata query_entries(std::string_view query) {
  Metadata entries;
  while (!query.empty()) {
    const auto end = query.find('&');
    const auto pair = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    const auto equals = pair.find('=');
    std::string key, value;
    if (!http::percent_decode(pair.substr(0, equals), true, key) || key.empty()) continue;
    if (!wire::eureka::is_metadata_key(key)) continue;
    if (equals != std::string_view::npos && !http::percent_decode(pair.substr(equals + 1), true, value))
      continue;
    entries[std::move(key)] = std::move(value);
  }
  return entries;
}

Task<Reply> put_metadata(ContextPtr context, const Request& request) {
  if (auto refusal = refuse_writer(*context, request)) co_return std::move(*refusal);
  const auto entries = query_entries(request.query);
  if (const auto ok = wire::eureka::check_metadata_texts(entries); !ok)
    co_return refusal_of(ok.error(), request);
  auto item = replicated(Replicated::What::enroll, app_of(request), id_of(request));
  const auto put = context->registry.with([&](LeaseRegistry& leases, std::int64_t now_ms) {
    const auto done = leases.put_metadata(item.app, item.id, entries, now_ms);
    item.instance = leases.find(item.app, item.id, now_ms);
    return done;
  });
  if (!put && put.error().code == Code::not_found) co_return empty_reply(http::Status::not_found);
  if (!put) co_return refusal_of(put.error(), request);
  if (item.instance) {
    item.dirty_ms = item.instance->dirty_ms;
    item.status = item.instance->status;
    tell_peers(*context, request, std::move(item));
  }
  co_return empty_reply(http::Status::ok);
}

void add_under(http::Router& router, const std::string& base, const ContextPtr& context) {
  using View = SharedRegistry::View;
  http::RouteOptions any_body;
  any_body.json_body = false;
  http::RouteOptions batch_body = any_body;
  batch_body.body_bytes_max = batch_bytes_max;
  const auto get_view = [&](const std::string& path, View view) {
    router.add(Method::get, base + path,
               [context, view](const Request& r) { return fetch(context, view, r); });
  };
  get_view("/apps", View::all);
  get_view("/apps/", View::all);
  get_view("/apps/delta", View::recent);
  get_view("/apps/delta/", View::recent);
  for (const char* end : {"", "/"}) {
    get_view(std::string("/vips/{vip}") + end, View::vip);
    get_view(std::string("/svips/{vip}") + end, View::secure_vip);
  }
  const auto add = [&](Method method, const std::string& path,
                       Task<Reply> (*handler)(ContextPtr, const Request&)) {
    for (const char* end : {"", "/"})
      router.add(
          method, base + path + end, [context, handler](const Request& r) { return handler(context, r); },
          any_body);
  };
  add(Method::get, "/apps/{app}", get_app);
  add(Method::get, "/apps/{app}/{id}", get_instance);
  add(Method::get, "/instances/{id}", get_instance);
  add(Method::post, "/apps/{app}", enroll);
  add(Method::put, "/apps/{app}/{id}", heartbeat);
  add(Method::del, "/apps/{app}/{id}", cancel);
  add(Method::put, "/apps/{app}/{id}/metadata", put_metadata);
  const auto put_status = [](ContextPtr c, const Request& r) {
    return change_status(std::move(c), false, r);
  };
  const auto drop_status = [](ContextPtr c, const Request& r) {
    return change_status(std::move(c), true, r);
  };
  add(Method::put, "/apps/{app}/{id}/status", put_status);
  add(Method::del, "/apps/{app}/{id}/status", drop_status);
  for (const char* path : {"/peerreplication/batch", "/peerreplication/batch/"})
    router.add(
        Method::post, base + path, [context](const Request& r) { return take_batch(context, r); },
        batch_body);
  router.add(Method::get, base + "/stream", [context](const Request& r) { return open_stream(context, r); });
}

}  // namespace

void add_eureka_routes(http::Router& router, const HandlerContext& context) {
  const auto shared = std::make_shared<const HandlerContext>(context);
  router.take_any_query(true);  // Eureka's clients and servers add some of their own.
  for (const char* base : {"/eureka", "/eureka/v2"}) add_under(router, base, shared);
  router.take_any_query(false);
}

}  // namespace market::registry

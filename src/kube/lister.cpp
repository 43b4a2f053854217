#include "kube/lister.h"

#include <fmt/format.h>

#include <boost/asio/awaitable.hpp>
#include <boost/json/value.hpp>

#include "kube/item_splitter.h"
#include "kube/json_text.h"
#include "kube/transport.h"

namespace sextant::kube {
namespace {

namespace json = boost::json;

constexpr int kPagedAttempts = 3;

struct Page {
  std::string version;
  std::string next;  // the continue token; empty: this was the last one
};

ApiRequest request_of(const ListQuery& query, unsigned limit, const std::string& next) {
  ApiRequest request{.verb = "list",
                     .object = to_string(query.resource),
                     .counted = to_string(query.resource),
                     .method = "GET",
                     .target = collection_path(query.resource, query.ns)};
  add_selectors(request.target, query.selectors);
  if (!query.not_older_than.empty())
    add_query(request.target, "resourceVersion", query.not_older_than);
  else if (limit != 0)
    add_query(request.target, "limit", std::to_string(limit));
  if (!next.empty()) add_query(request.target, "continue", next);
  return request;
}

Answer<Page> read_envelope(const Transport& transport, const ApiRequest& request,
                           const std::string& envelope) {
  const auto bad = [&](const std::string& cause) {
    return tl::unexpected(
        transport.error(request, {Trouble::Kind::kBroken, "the list is bad: " + cause}));
  };
  json::error_code error;
  const auto value = parse_json(envelope, error);
  if (error) return bad(error.message());
  const auto* const metadata = member(value, "metadata");
  Page page{
      .version = metadata == nullptr ? std::string() : text_member(*metadata, "resourceVersion"),
      .next = metadata == nullptr ? std::string() : text_member(*metadata, "continue")};
  if (page.version.empty()) return bad("there is no resourceVersion");
  return page;
}

Task<Answer<Page>> read_page(std::shared_ptr<Transport> transport, ApiRequest request,
                             const Lister& lister) {
  auto response = co_await transport->send(request);
  if (!response) co_return tl::unexpected(response.error());

  ObjectParser parser;
  std::string bad_item;
  ItemSplitter splitter(transport->options().object_bytes, [&](std::string_view text) {
    if (!bad_item.empty()) return;
    if (const auto* const item = parser.parse(text))
      lister.item(*item);
    else
      bad_item = parser.error();
  });
  const auto bad = [&](const std::string& cause) {
    return tl::unexpected(transport->error(request, {Trouble::Kind::kBroken, cause}));
  };
  while (true) {
    const auto piece = co_await (*response)->read(transport->options().body_timeout);
    if (!piece) co_return tl::unexpected(piece.error());
    if (piece->empty()) break;
    if (const auto added = splitter.add(*piece); !added) co_return bad(added.error().message());
    if (!bad_item.empty()) co_return bad("an item is no JSON: " + bad_item);
  }
  const auto envelope = splitter.finish();
  if (!envelope) co_return bad(envelope.error().message());
  co_return read_envelope(*transport, request, *envelope);
}

}  // namespace

void add_selectors(std::string& target, const Selectors& selectors) {
  if (!selectors.label.empty()) add_query(target, "labelSelector", selectors.label);
  if (!selectors.field.empty()) add_query(target, "fieldSelector", selectors.field);
}

Task<Answer<std::string>> list_all(std::shared_ptr<Transport> transport, ListQuery query,
                                   Lister lister) {
  for (int attempt = 1;; ++attempt) {
    const unsigned limit = attempt <= kPagedAttempts ? query.page : 0;
    lister.begin();
    Page page;
    bool expired = false;
    do {
      const bool first = page.next.empty();
      auto request = request_of(query, limit, page.next);
      auto read = co_await read_page(transport, std::move(request), lister);
      expired = !read && read.error().expired() && !first;
      if (!read && !expired) co_return tl::unexpected(read.error());
      if (read) page = std::move(*read);
    } while (!expired && !page.next.empty());
    if (!expired) co_return page.version;
  }
}

}  // namespace sextant::kube

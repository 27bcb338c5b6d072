import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

/** Asks OpenAI one prompt with Java's own client: java Ask.java text|stream|tool PROMPT */
public class Ask {
    public static void main(String[] arguments) throws Exception {
        String base = System.getenv().getOrDefault("OPENAI_BASE_URL", "https://api.openai.com/v1");
        String tools = arguments[0].equals("tool")
            ? ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"get_weather\",\"parameters\":{\"type\":\"object\"}}}]"
            : "";
        String body = "{\"model\":\"gpt-5-mini\",\"stream\":" + arguments[0].equals("stream")
            + ",\"messages\":[{\"role\":\"user\",\"content\":\"" + arguments[1] + "\"}]" + tools + "}";
        HttpRequest request = HttpRequest.newBuilder(URI.create(base + "/chat/completions"))
            .header("Authorization", "Bearer " + System.getenv("OPENAI_API_KEY"))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build();
        HttpClient client = HttpClient.newBuilder().proxy(ProxySelector.getDefault()).build();
        HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
        System.out.println(answer.body());
        System.exit(answer.statusCode() == 200 ? 0 : 1);
    }
}

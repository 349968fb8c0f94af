import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.jena.graph.Graph;
import org.apache.jena.graph.Node;
import org.apache.jena.graph.Triple;
import org.apache.jena.riot.RDFDataMgr;
import org.apache.jena.shacl.ShaclValidator;
import org.apache.jena.shacl.Shapes;
import org.apache.jena.shacl.ValidationReport;
import org.apache.jena.shacl.validation.ReportEntry;

/** Judges with Apache Jena, always everything, what is asked for on standard input (engines.py). */
public class JenaShacl {
    private static Shapes shapes;
    private static Graph data;

    public static void main(String[] arguments) throws Exception {
        BufferedReader asked = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = asked.readLine(); line != null; line = asked.readLine()) {
            String[] words = line.split("\t", -1);
            StringBuilder told = new StringBuilder();
            try {
                long began = System.nanoTime();
                if (words[0].equals("edit")) {
                    List<Triple> added = parsed(words[1]);
                    List<Triple> removed = parsed(words[2]);
                    began = System.nanoTime();
                    removed.forEach(data::delete);
                    added.forEach(data::add);
                    judge(began, told);
                    added.forEach(data::delete);
                    removed.forEach(data::add);
                } else {
                    shapes = Shapes.parse(RDFDataMgr.loadGraph(words[1]));
                    data = RDFDataMgr.loadGraph(words[2]);
                    tell(told, "read", began);
                    if (words[0].equals("judge")) {
                        judge(System.nanoTime(), told);
                    }
                }
            } catch (Exception | StackOverflowError | OutOfMemoryError error) {
                told.setLength(0);
                told.append("failed\t").append(String.valueOf(error).replaceAll("\\s+", " ")).append('\n');
            }
            System.out.print(told.append("end\n"));
            System.out.flush();
        }
    }

    private static void judge(long began, StringBuilder told) {
        ValidationReport report = ShaclValidator.get().validate(shapes, data);
        tell(told, "took", began);
        for (ReportEntry entry : report.getEntries()) {
            told.append("result\t").append(name(entry.source())).append('\t');
            told.append(name(entry.focusNode())).append('\n');
        }
    }

    private static String name(Node node) {
        if (node == null || node.isBlank()) {
            return node == null ? "" : "_:";
        }
        return (node.isURI() ? node.getURI() : node.getLiteralLexicalForm()).replaceAll("\\s+", " ");
    }

    private static List<Triple> parsed(String file) {
        return file.isEmpty() ? List.of() : RDFDataMgr.loadGraph(file).find().toList();
    }

    private static void tell(StringBuilder told, String what, long began) {
        told.append(what).append('\t').append((System.nanoTime() - began) / 1e9).append('\n');
    }
}

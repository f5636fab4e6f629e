//! Variables, the arrays and objects that they hold, and what scripts hand to Chocolatey by them.

use crate::script_value::arguments;

#[test]
fn variables_are_found_in_the_scope_that_they_were_set_in() {
    for (before, expression, expected) in [
        ("$i = 4; $v = $i++", "\"$v-$i\"", "4-5"),
        ("$i = 4; $v = --$i", "\"$v-$i\"", "3-3"),
        (
            "$h = @{ n = 1 }; $h.n++; $a = 1, 2; $a[1]++",
            "\"$($h.n)-$a\"",
            "2-1 3",
        ),
        (
            "$v = 'a'; function f { Set-Variable v 'b' -Scope Script }; f",
            "$v",
            "b",
        ),
        (
            "$v = 'a'; function f { Set-Variable v 'b' -Scope 1 }; f",
            "$v",
            "b",
        ),
        ("$v = 'a'; function f { Set-Variable v 'b' }; f", "$v", "a"),
        ("'b' | Set-Variable v", "$v", "b"),
        ("$v = 'a'; Remove-Variable v", "\"-$v-\"", "--"),
        (
            "$v = 'a'; function f { $v = 'b'; Remove-Variable -Name v; $v }",
            "f",
            "a",
        ),
        // Chocolatey runs the script in a scope of its own.
        (
            "$v = 'a'; $global:v = 'b'",
            "\"$v-$script:v-$global:v\"",
            "a-a-b",
        ),
        ("$v = 'a'", "\"-$global:v-\"", "--"),
        ("function f { $global:v = 'b' }; f", "$v", "b"),
        ("$v = 'a'; Set-Variable v 'b' -Scope Global", "$v", "a"),
    ] {
        let found = arguments(before, expression);
        assert_eq!(found, Ok(expected.to_owned()), "{before}; {expression}");
    }
    for before in [
        "$v = 'a'; function f($s) { Set-Variable v 'b' -Scope $s }; f $env:Foo",
        "$v = 'a'; function f { Set-Variable v 'b' -Scope 7 }; f",
        "$v = 'a'; Remove-Variable $env:Foo",
    ] {
        let found = arguments(before, "$v");
        assert!(found.is_err(), "{before}: {found:?}");
    }
}

#[test]
fn an_array_that_is_changed_under_another_name_is_not_known() {
    for before in [
        "$a = 1, 2; $b = $a; $b[0] = 7",
        "$b = 1, 2; $a = $b; $b[0] = 7",
        "$a = 1, 2; function f($x) { $x[0] = 7 }; f $a",
        "$a = 1, 2; function f([array]$x) { $x[0] = 7 }; f $a",
        "$b = 1, 2; $t = @{ k = $b }; $b[0] = 7; $a = $t.k",
        "$a = 1, 2; $b = [object[]]$a; $b[0] = 7",
    ] {
        let found = arguments(before, "\"$a\"");
        assert!(found.is_err(), "{before}: {found:?}");
    }
    for (before, expected) in [
        ("$a = 1, 2; $a[0] = 7", "7 2"),
        ("$a = 1, 2; $b = @($a); $b[0] = 7", "1 2"),
        ("$a = 1, 2; $b = $a; $b += 3; $b[0] = 7", "1 2"),
        ("$a = 1, 2; $a[-1] += 5", "1 7"),
    ] {
        let found = arguments(before, "\"$a\"");
        assert_eq!(found, Ok(expected.to_owned()), "{before}");
    }
}

#[test]
fn objects_that_only_hold_data_are_made() {
    for (before, expression, expected) in [
        (
            "$r = New-Object -TypeName System.Text.RegularExpressions.Regex -ArgumentList 'x+'",
            "$r.Replace('axxb', '-')",
            "a-b",
        ),
        ("$r = [regex]::new('X')", "$r.Replace('axb', '-')", "axb"),
        ("$r = [regex]'^a'", "\"$r-$($r.IsMatch('abc'))\"", "^a-True"),
        ("", "[regex]::Replace('aXx', 'x', '-')", "aX-"),
        ("", "[Version]::new(1, 2)", "1.2"),
        (
            "$d = New-Object System.Collections.Specialized.OrderedDictionary; $d.Add('a', 1)",
            "$d.a",
            "1",
        ),
        (
            "$o = New-Object PSObject -Property @{ n = 'x' }; $s = New-Object Text.StringBuilder",
            "$o.n",
            "x",
        ),
        (
            "$r = New-Object Regex @('^res', [System.Text.RegularExpressions.RegexOptions]::Compiled)\n\
             $m = $r.Match('response')",
            "'x'",
            "x",
        ),
    ] {
        let found = arguments(before, expression);
        assert_eq!(found, Ok(expected.to_owned()), "{before}; {expression}");
    }
    for before in [
        "$r = New-Object System.IO.StreamWriter 'C:\\x'",
        "$r = [Acme.Installer]::new('x')",
    ] {
        let found = arguments(before, "'x'");
        assert!(found.is_err(), "{before}: {found:?}");
    }
}

#[test]
fn arguments_that_the_script_gives_by_the_environment_are_a_finding() {
    for before in [
        "$env:chocolateyInstallArguments = '/D'",
        "$env:ChocolateyInstallOverride = $true",
        "[Environment]::SetEnvironmentVariable('chocolateyInstallArguments', '/D')",
    ] {
        let found = arguments(before, "'x'");
        assert!(
            found
                .as_ref()
                .is_err_and(|it| it.contains("changes the arguments")),
            "{before}: {found:?}"
        );
    }
}

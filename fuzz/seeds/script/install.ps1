$ErrorActionPreference = 'Stop'
$toolsDir = "$(Split-Path -Parent $MyInvocation.MyCommand.Definition)"
. (Join-Path $toolsDir 'helpers.ps1')
$pp = Get-PackageParameters
$packageArgs = @{
  packageName    = $env:ChocolateyPackageName
  fileType       = 'msi'
  url            = 'https://acme.example/{0}/a.msi' -f '1.2.3'
  url64bit       = "https://acme.example/$($env:ChocolateyPackageVersion)/a64.msi"
  checksum       = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
  checksumType   = 'sha256'
  silentArgs     = "/qn /norestart /l*v `"$($env:TEMP)\acme.log`""
  validExitCodes = @(0, 3010, 1641)
  softwareName   = 'Acme*'
}
if ($pp['NoShortcut']) { $packageArgs.silentArgs += ' NOSHORTCUT=1' }
if ((Get-OSArchitectureWidth 64) -and $env:chocolateyForceX86 -ne 'true') { $packageArgs.Remove('url') }
switch -regex ($PSVersionTable.PSVersion) { '^2' { throw 'old' } default { } }
foreach ($name in 'a', 'b') { $list += @($name.ToUpper().Replace('A', 'x')) }
Get-ChildItem $toolsDir\*.exe | ForEach-Object { New-Item "$_.ignore" -Type file -Force | Out-Null }
try { Install-ChocolateyPackage @packageArgs } catch { Write-Warning $_; throw }
function Test-It([string]$a, $b = 2) { return $a -match '^(\d+)\.(\d+)' -and $matches[1] -ge $b }
Install-ChocolateyZipPackage -PackageName x -Url64bit https://a.example/b.zip -UnzipLocation $toolsDir
